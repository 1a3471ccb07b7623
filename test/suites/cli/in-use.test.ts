import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { socketPort } from '@socket-port/testkit/command'
import { freePort, openListener } from '@socket-port/testkit/native'
import { track } from '@socket-port/testkit/processes'
import { describe, expect, it } from 'vitest'
import { afterTest, start, supervise } from './supervising.ts'

/** A program in JavaScript. */
const program = (code: string): string[] => [
  process.execPath,
  '--input-type=module',
  '-e',
  `import { createServer } from 'node:http'\n${code}`,
]

const core = new URL('../../../packages/core/dist/index.js', import.meta.url).href
const importCore = `import { serve, attach } from '${core}'\n`
const SERVES = (target: string): string => `await serve(createServer(), ${target})\n`

describe('a port in use, under socket-port run', () => {
  it('that the program opens itself: says that it does not take the socket, and how it can', async () => {
    const port = freePort()
    const supervised = supervise({
      args: ['--listen', `127.0.0.1:${port}`],
      command: program(`createServer().listen(${port}, '127.0.0.1')`),
    })
    expect(await supervised.generation.exit).toMatchObject({ code: 1 })
    expect(supervised.generation.output).toMatch(
      /ended before it was ready.*an address is in use.*take the socket that is passed to it, with @socket-port\/core.*LISTEN_FDS/,
    )
  })

  it("that the program opens by core with inherit: 'never': says what to leave out", async () => {
    const port = freePort()
    const supervised = supervise({
      args: ['--listen', `127.0.0.1:${port}`],
      command: program(
        `${importCore}${SERVES(`{ port: ${port}, host: '127.0.0.1', inherit: 'never' }`)}`,
      ),
    })
    expect(await supervised.generation.exit).toMatchObject({ code: 1 })
    const { output } = supervised.generation
    expect(output).toMatch(/has inherited that socket: take it, without inherit: 'never'/)
    expect(output).not.toMatch(/killPort|stop that process|ExecStart/)
  })

  it('that a wrapper has got in the place of a program that cannot ask: says to start node itself', async () => {
    const port = freePort()
    const code = `${importCore}${SERVES(`{ port: ${port}, host: '127.0.0.1' }`)}`
    const inner = JSON.stringify(program(code).slice(1))
    const supervised = supervise({
      args: ['--listen', `127.0.0.1:${port}`],
      command: program(`
        const { spawn } = await import('node:child_process')
        delete process.env.SOCKET_PORT_ASK
        spawn(process.execPath, ${inner}, { stdio: 'inherit' }).once('exit', (code) => process.exit(code))`),
    })
    expect(await supervised.generation.exit).toMatchObject({ code: 1 })
    const { output } = supervised.generation
    expect(output).toMatch(
      /start node itself, e\.g\. socket-port run --listen PORT -- node server\.js/,
    )
    expect(output).toMatch(/\(EADDRINUSE\): .*did not reach this process.* start node itself/)
    expect(output).not.toMatch(/killPort|stop that process|ExecStart/)
  })

  it('that workers of a cluster open, below a wrapper: names --workers', async () => {
    const port = freePort()
    const inner = program(`
      const { default: cluster } = await import('node:cluster')
      if (cluster.isPrimary) {
        cluster.setupPrimary({ exec: 'worker' })
        cluster.fork().once('exit', (code) => process.exit(code))
      } else createServer().listen(${port})`)
    const supervised = supervise({
      args: ['--register', '--listen', `${port}`],
      command: ['/bin/sh', '-c', '"$0" "$@"; exit $?', ...inner],
    })
    expect(await supervised.generation.exit).toMatchObject({ code: 1 })
    expect(supervised.generation.output).toMatch(
      /\(EADDRINUSE\): .* a worker of node:cluster cannot take it\..* socket-port run --workers N/,
    )
  })

  it('that the generation before has: says --listen, in the answer of reload', async () => {
    const other = freePort()
    const supervised = await start({
      command: program(
        `${importCore}${SERVES('{}')}${SERVES(`{ port: ${other}, host: '127.0.0.1', inherit: 'never' }`)}`,
      ),
    })
    const { code, stderr } = await supervised.ask('reload')
    expect(code).toBe(1)
    expect(stderr).toMatch(
      new RegExp(`SocketPortError: cannot listen on port ${other} .*--listen ${other}\\)`),
    )
    expect(stderr).not.toMatch(/killPort|stop that process|ExecStart/)
  })

  it('that another program has: names the command that frees it', async () => {
    const port = freePort()
    const code = `createServer().listen(${port}, () => console.log('ready'))`
    const [command = '', ...args] = program(code)
    const other = spawn(command, args, { detached: true })
    track(other)
    await once(other.stdout, 'data')
    const supervised = supervise({ args: ['--listen', String(port)], command: program('') })
    expect(await supervised.generation.exit).toMatchObject({ code: 4 })
    expect(supervised.generation.output).toMatch(`held by pid ${other.pid} (`)
    expect(supervised.generation.output).toMatch(
      `stop that process (socket-port free ${port}) or choose another port`,
    )
  })
})

describe('an address that another --listen covers', () => {
  it.each([
    ['a port of every address', (port: number) => [String(port), `127.0.0.1:${port}`]],
    ['a unix path in two forms', (port: number) => [`unix:/tmp/${port}`, `unix:/tmp//${port}`]],
  ])('names the options, not a server: %s', async (_, addresses) => {
    const args = addresses(freePort()).flatMap((address) => ['--listen', address])
    const { code, stderr } = await socketPort(['run', ...args, '--', 'true'])
    expect(code).toBe(4)
    expect(stderr).toMatch(/covers it \(--listen, --metrics\): leave one of them out/)
  })
})

describe('a port that another socket-port run keeps', () => {
  it('names the command that stops it, for free and for a second run', async () => {
    const supervised = await start()
    const port = await supervised.port()
    const free = await socketPort(['free', String(port), '--yes'])
    expect(free.code).toBe(1)
    expect(free.stderr).toMatch(/was started by socket-port run, .* Stop both \(socket-port stop\)/)
    const second = supervise({ args: ['--listen', String(port)], command: program('') })
    expect(await second.generation.exit).toMatchObject({ code: 4 })
    expect(second.generation.output).toMatch(
      /socket-port run started that process: stop both \(socket-port stop\)/,
    )
    expect(second.generation.output).not.toMatch(/socket-port free/)
  })
})

describe('free --host', () => {
  it('leaves who listens on another address alone', async () => {
    const listener = openListener({ host: '127.0.0.3' })
    afterTest(() => listener.close())
    const port = String(listener.port)
    expect(await socketPort(['free', port, '--host', '127.0.0.1', '--yes'])).toMatchObject({
      code: 0,
      stdout: `Port ${port} is free; no process held it.\n`,
    })
    const { code, stderr } = await socketPort(['free', port, '--host', '127.0.0.3', '--yes'])
    // It belongs to this very process, which has started the command.
    expect(code).toBe(1)
    expect(stderr).toMatch(/started this process/)
  })
})
