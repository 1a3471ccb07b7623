import { readlinkSync } from 'node:fs'
import { type Listener, openListener } from '@socket-port/testkit/native'
import { ODD_KINDS, type OddKind, openSocket } from '@socket-port/testkit/odd-fds'
import { endProcesses } from '@socket-port/testkit/processes'
import type { OpenFd } from '@socket-port/testkit/sockets'
import { afterEach, describe, expect, it } from 'vitest'
import { replyFrom, startListening } from './report.ts'

const opened: OpenFd[] = []

function open(kind: OddKind): OpenFd
function open(kind: 'listener'): Listener
function open(kind: OddKind | 'listener'): OpenFd {
  const fd = kind === 'listener' ? openListener() : openSocket(kind)
  opened.push(fd)
  return fd
}

afterEach(async () => {
  await endProcesses()
  for (const fd of opened.splice(0)) fd.close()
})

const DATAGRAM = 'is a datagram socket, not a stream socket'
const DEAF = 'is a stream socket that does not listen'
const FOREIGN = 'is a socket, but neither TCP nor a unix socket'

const problems: Record<OddKind, { native: string; plain: string }> = {
  udp: { native: DATAGRAM, plain: FOREIGN },
  connected: { native: DEAF, plain: DEAF },
  bound: { native: DEAF, plain: FOREIGN },
  unbound: { native: DEAF, plain: FOREIGN },
  'unix-datagram': { native: DATAGRAM, plain: DATAGRAM },
  pipe: { native: 'is a pipe, not a socket', plain: 'is a pipe, not a socket' },
  eventfd: { native: 'is not a socket', plain: 'is not a socket' },
  file: { native: 'is a file, not a socket', plain: 'is a file, not a socket' },
}

const linkOf = (pid: number, fd: number): string => readlinkSync(`/proc/${pid}/fd/${fd}`)

const warningOf = (listed: string): string =>
  `the manager passed descriptors that cannot be served, and they are left alone: ${listed}. ` +
  'Pass listening stream sockets from fd 3 on (sd_listen_fds(3))'

describe('a passed descriptor', () => {
  it.each(ODD_KINDS)('of kind %s is left alone, and a socket is bound', async (kind) => {
    const { fd } = open(kind)
    const { report, process: child } = await startListening([{}], { sockets: [{ fd }] })
    const problem = problems[kind].native
    expect(report.outcomes).toMatchObject([{ source: 'bound' }])
    expect(report.warnings).toEqual([warningOf(`fd 3 ${problem}`)])
    expect(report.sockets).toMatchObject([{ fd: 3, taken: false, problem }])
    expect(linkOf(child.pid, 3)).toBe(linkOf(process.pid, fd))
  })
})

describe('among all kinds at once', () => {
  it.each([
    { how: 'native', flags: [], before: [] },
    { how: 'plain', flags: ['--no-addons'], before: [/^libc cannot be used/] },
  ] as const)(
    'what listens is served, the rest is listed: $how',
    async ({ how, flags, before }) => {
      const odd = ODD_KINDS.map((name) => ({
        name,
        fd: open(name).fd,
        problem: problems[name][how],
      }))
      const { port, fd } = open('listener')
      const sockets = [...odd.slice(0, 3), { name: 'web', fd, problem: undefined }, ...odd.slice(3)]
      const { report, process: child } = await startListening([{ port }], { sockets, flags })
      expect(report.outcomes).toMatchObject([{ source: 'inherited', fd: 6, name: 'web' }])
      expect(await replyFrom({ port })).toBe('0')
      const listed = sockets.flatMap(({ name, problem }, index) =>
        problem === undefined ? [] : [`fd ${3 + index} "${name}" ${problem}`],
      )
      expect(report.warnings).toEqual([
        ...before.map((pattern) => expect.stringMatching(pattern)),
        warningOf(listed.join('; ')),
      ])
      expect(sockets.map((_, index) => linkOf(child.pid, 3 + index))).toEqual(
        sockets.map((socket) => linkOf(process.pid, socket.fd)),
      )
    },
  )
})
