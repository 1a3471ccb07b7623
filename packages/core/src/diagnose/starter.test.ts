import { describe, expect, it } from 'vitest'
import { findStarter, type StarterClues } from './starter.ts'

const process = (pid: number, ...argv: string[]) => ({ pid, argv, command: argv.join(' ') })
const init = process(1, '/sbin/init')
const npm = process(38, 'npm start')
const shell = process(39, 'sh', '-c', 'node app.js')
const supervisor = process(30, 'node', '/app/node_modules/.bin/socket-port', 'run', '--', 'node')
const app = { unit: 'app.service', user: false }
const nothing = { pid: undefined, unit: undefined, user: false, version: undefined, wrappers: [] }
const name = ({ pid, command }: typeof npm) => ({ pid, command })

const find = (clues: Partial<StarterClues>) =>
  findStarter({
    pid: 40,
    ancestors: [init],
    environment: {},
    service: undefined,
    version: '257',
    ...clues,
  })

describe('findStarter', () => {
  it('finds no manager in a shell', () => {
    expect(find({ ancestors: [shell, init] })).toEqual({ ...nothing, kind: 'none' })
  })

  it.each([
    { SYSTEMD_EXEC_PID: '40' },
    { LISTEN_FDS: '1', LISTEN_PID: '40' },
    { LISTEN_FDS: '1', LISTEN_PID: '40', SYSTEMD_EXEC_PID: '40' },
  ])('finds systemd, which has started the process itself: %j', (environment) => {
    expect(find({ environment, service: app })).toEqual({
      kind: 'systemd',
      pid: 1,
      unit: 'app.service',
      user: false,
      version: '257',
      wrappers: [],
    })
  })

  it.each([{ SYSTEMD_EXEC_PID: '38' }, { LISTEN_FDS: '1', LISTEN_PID: '38' }])(
    'finds the program that systemd has started instead: %j',
    (environment) => {
      const ancestors = [shell, npm, init]
      const { kind, wrappers } = find({ ancestors, environment, service: app })
      expect({ kind, wrappers }).toEqual({ kind: 'systemd', wrappers: [npm, shell].map(name) })
    },
  )

  it('finds the systemd of a user', () => {
    const systemd = process(900, '/usr/lib/systemd/systemd', '--user')
    expect(
      find({
        ancestors: [systemd, init],
        environment: { SYSTEMD_EXEC_PID: '40' },
        service: { ...app, user: true },
      }),
    ).toMatchObject({ kind: 'systemd', pid: 900, user: true, wrappers: [] })
  })

  it('finds no wrapper if the main process is no ancestor', () => {
    const environment = { SYSTEMD_EXEC_PID: '7' }
    expect(find({ environment, service: app })).toMatchObject({ kind: 'systemd', wrappers: [] })
  })

  it('finds socket-port, also under systemd', () => {
    expect(
      find({
        ancestors: [supervisor, init],
        environment: { LISTEN_FDS: '1', LISTEN_PID: '40', SYSTEMD_EXEC_PID: '30' },
        service: app,
      }),
    ).toEqual({ ...nothing, kind: 'socket-port', pid: 30 })
  })

  it('finds socket-port as its launcher starts it', () => {
    const launched = process(30, 'node', '--', '/app/node_modules/.bin/socket-port', 'run')
    expect(find({ ancestors: [launched, init] })).toEqual({
      ...nothing,
      kind: 'socket-port',
      pid: 30,
    })
  })

  it('finds the programs between socket-port and the process', () => {
    expect(
      find({
        ancestors: [shell, npm, supervisor, init],
        environment: { LISTEN_FDS: '1', LISTEN_PID: '38' },
      }),
    ).toMatchObject({ kind: 'socket-port', pid: 30, wrappers: [npm, shell].map(name) })
  })

  it('finds socket-port by the variables of its child processes', () => {
    const ancestors = [process(30, 'node', '/app/main.js', 'run'), init]
    const environment = { LISTEN_FDS: '1', LISTEN_PID: '40', SOCKET_PORT_GENERATION: '1' }
    expect(find({ ancestors, environment })).toEqual({ ...nothing, kind: 'socket-port', pid: 30 })
    const through = { ...environment, LISTEN_PID: '38' }
    expect(find({ ancestors: [shell, npm, ...ancestors], environment: through })).toMatchObject({
      kind: 'socket-port',
      pid: 30,
      wrappers: [npm, shell].map(name),
    })
  })

  it('does not take another command of socket-port, or a script of that name, for a manager', () => {
    for (const argv of [
      ['node', '/bin/socket-port', 'doctor'],
      ['vi', 'a', 'socket-port', 'run'],
    ]) {
      expect(find({ ancestors: [process(30, ...argv), init] }).kind).toBe('none')
    }
  })

  it.each([{ LISTEN_FDS: '1', LISTEN_PID: '40' }, { LISTEN_FDS: '1' }])(
    'finds a program that has become this process: %j',
    (environment) => {
      expect(find({ environment })).toEqual({ ...nothing, kind: 'activator' })
    },
  )

  it('finds such a program in the service of another program', () => {
    const environment = { LISTEN_FDS: '1', LISTEN_PID: '40', SYSTEMD_EXEC_PID: '7' }
    expect(find({ environment, service: app })).toEqual({ ...nothing, kind: 'activator' })
  })

  it('finds the wrapper that such a program has become instead', () => {
    const environment = { LISTEN_FDS: '1', LISTEN_PID: '38' }
    expect(find({ ancestors: [shell, npm, init], environment })).toMatchObject({
      kind: 'activator',
      wrappers: [npm, shell].map(name),
    })
  })

  it('finds no manager by a copied environment', () => {
    const environment = { LISTEN_FDS: '1', LISTEN_PID: '4711' }
    expect(find({ environment })).toEqual({ ...nothing, kind: 'none' })
  })
})
