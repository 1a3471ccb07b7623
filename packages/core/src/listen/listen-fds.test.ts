import { describe, expect, it } from 'vitest'
import { type ListenFds, readListenFds } from './listen-fds.ts'

const PID = 4321
const INODE = 5_000_000_123n

const read = (env: NodeJS.ProcessEnv, inode: bigint | undefined = INODE): ListenFds =>
  readListenFds(env, { pid: PID, pidfdInode: () => inode })

const namesOf = (environment: ListenFds): string[] =>
  environment.kind === 'passed' ? environment.fds.map(({ name }) => name) : []

describe('readListenFds', () => {
  it('finds no manager without LISTEN_FDS, whatever other variables are set', () => {
    expect(read({})).toEqual({ kind: 'absent' })
    expect(read({ LISTEN_PID: 'x', LISTEN_PIDFDID: 'x', LISTEN_FDNAMES: 'a:b' })).toEqual({
      kind: 'absent',
    })
  })

  it('takes the descriptors from 3 on', () => {
    expect(read({ LISTEN_FDS: '2', LISTEN_PID: String(PID) })).toEqual({
      kind: 'passed',
      fds: [
        { fd: 3, name: 'unknown' },
        { fd: 4, name: 'unknown' },
      ],
    })
  })

  it('takes them without LISTEN_PID, as file watchers pass them', () => {
    expect(read({ LISTEN_FDS: '1' })).toEqual({
      kind: 'passed',
      fds: [{ fd: 3, name: 'unknown' }],
    })
  })

  it('does not change the environment', () => {
    const env = Object.freeze({ LISTEN_FDS: '1', LISTEN_PID: 'garbage', LISTEN_FDNAMES: 'a' })
    expect(() => read(env)).not.toThrow()
  })

  it.each(['', '0', '-1', ' 1', '1 ', '1.0', '1e3', '0x1', '+1', 'many', '١', '1\n', '1048577'])(
    'refuses LISTEN_FDS %j',
    (value) => {
      expect(read({ LISTEN_FDS: value, LISTEN_PID: String(PID) })).toEqual({
        kind: 'refused',
        problem:
          `LISTEN_FDS is ${JSON.stringify(value)}, not a number of sockets from 1 to 1048576; ` +
          'unset it, or start this process with a manager that sets it (systemd, socket-port run)',
      })
    },
  )

  it('refuses a number too long to be exact', () => {
    expect(read({ LISTEN_FDS: '9'.repeat(400) })).toMatchObject({
      problem: expect.stringMatching(/^LISTEN_FDS is "9{76}…", not a number/),
    })
  })

  it('takes as many as a process can hold', () => {
    expect(namesOf(read({ LISTEN_FDS: '1048576' }))).toHaveLength(1_048_576)
  })

  it.each(['', '0', '-4321', '4321x', ' 4321', '0x10e1', '4321.0', 'self'])(
    'refuses LISTEN_PID %j',
    (value) => {
      expect(read({ LISTEN_FDS: '1', LISTEN_PID: value })).toEqual({
        kind: 'refused',
        problem: `LISTEN_PID is ${JSON.stringify(value)}, not a process id; unset it or set it to the server's own`,
      })
    },
  )

  it('refuses sockets that were passed to another process, and says how they get lost', () => {
    expect(read({ LISTEN_FDS: '1', LISTEN_PID: '17' })).toEqual({
      kind: 'refused',
      foreign: true,
      problem:
        'the sockets were passed to process 17, but this is process 4321. A program in between ' +
        '(npm start, pnpm, tsx, node --watch, a shell without exec) has lost them; ' +
        'start node itself, e.g. ExecStart=/usr/bin/node server.js, or start the program in between with socket-port run',
    })
  })

  it('names socket-port run if that has started the process', () => {
    const env = { LISTEN_FDS: '1', LISTEN_PID: '17', SOCKET_PORT_GENERATION: '1' }
    expect(read(env)).toMatchObject({
      problem: expect.stringMatching(
        /start node itself, e\.g\. socket-port run --listen PORT -- node server\.js$/,
      ),
    })
  })

  it('takes sockets if LISTEN_PIDFDID names this process', () => {
    const env = { LISTEN_FDS: '1', LISTEN_PID: String(PID), LISTEN_PIDFDID: String(INODE) }
    expect(read(env).kind).toBe('passed')
  })

  it('refuses sockets if LISTEN_PIDFDID names an earlier process with this pid', () => {
    expect(read({ LISTEN_FDS: '1', LISTEN_PID: String(PID), LISTEN_PIDFDID: '77' })).toEqual({
      kind: 'refused',
      problem:
        'LISTEN_PIDFDID is 77, but this process has 5000000123: the sockets were passed to an ' +
        'earlier process with the same id; start node itself from the manager',
    })
  })

  it('ignores LISTEN_PIDFDID if the kernel has no such inodes', () => {
    const env = { LISTEN_FDS: '1', LISTEN_PIDFDID: '77' }
    const environment = readListenFds(env, { pid: PID, pidfdInode: () => undefined })
    expect(environment.kind).toBe('passed')
  })

  it.each(['', '-1', '1.5', '0xff', ' 5000000123', '9'.repeat(21)])(
    'refuses LISTEN_PIDFDID %j, on any kernel',
    (value) => {
      for (const inode of [INODE, undefined]) {
        const self = { pid: PID, pidfdInode: () => inode }
        expect(readListenFds({ LISTEN_FDS: '1', LISTEN_PIDFDID: value }, self)).toEqual({
          kind: 'refused',
          problem: `LISTEN_PIDFDID is ${JSON.stringify(value)}, not an inode number; unset it`,
        })
      }
    },
  )

  it('asks for the inode only if LISTEN_PIDFDID must be checked, because that loads native code', () => {
    const self = {
      pid: PID,
      pidfdInode: (): bigint => {
        throw new Error('asked')
      },
    }
    readListenFds({ LISTEN_FDS: '1', LISTEN_PID: String(PID) }, self)
    readListenFds({ LISTEN_FDS: '0', LISTEN_PIDFDID: '1' }, self)
    readListenFds({ LISTEN_FDS: '1', LISTEN_PID: '17', LISTEN_PIDFDID: '1' }, self)
    expect(() => readListenFds({ LISTEN_FDS: '1', LISTEN_PIDFDID: '1' }, self)).toThrow('asked')
  })

  it.each([
    { says: 'one each', names: 'web:admin', expected: ['web', 'admin'] },
    { says: 'repeated', names: 'web:web', expected: ['web', 'web'] },
    { says: 'empty ones', names: ':', expected: ['', ''] },
    { says: 'reserved ones', names: 'stored:connection', expected: ['stored', 'connection'] },
    { says: 'odd bytes', names: 'a b:\u0007', expected: ['a b', '\u0007'] },
    { says: 'those of an object', names: '__proto__:constructor' },
  ])('keeps names: $says', ({ names, expected }) => {
    const environment = read({ LISTEN_FDS: '2', LISTEN_FDNAMES: names })
    expect(namesOf(environment)).toEqual(expected ?? names.split(':'))
  })

  it.each([
    { names: 'web', count: '1 name' },
    { names: '', count: '1 name' },
    { names: 'a:b:', count: '3 names' },
  ])('refuses LISTEN_FDNAMES $names for two sockets', ({ names, count }) => {
    expect(read({ LISTEN_FDS: '2', LISTEN_FDNAMES: names })).toEqual({
      kind: 'refused',
      problem:
        `LISTEN_FDNAMES has ${count} (${JSON.stringify(names)}) for LISTEN_FDS=2 sockets; ` +
        'give one name for each socket, separated by colons, or unset it',
    })
  })

  it('shows garbage on one line, shortened', () => {
    const garbage = `\u001b[31m\n${'x'.repeat(500)}`
    const environment = read({ LISTEN_FDS: garbage })
    expect(environment).toMatchObject({
      kind: 'refused',
      problem: expect.stringMatching(/^LISTEN_FDS is "\\u001b\[31m\\nx{50,70}…", not/),
    })
  })
})
