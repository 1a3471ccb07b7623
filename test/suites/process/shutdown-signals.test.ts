import { once } from 'node:events'
import { typeOnTerminal } from '@socket-port/testkit/command'
import {
  type Generation,
  type GenerationOptions,
  startGeneration,
} from '@socket-port/testkit/generation'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'

afterEach(endProcesses)

const script = new URL('../../fixtures/core-shutdown.mjs', import.meta.url).pathname

interface Started {
  process: Generation
  port: number
}

async function start(
  hooks: string,
  env: Record<string, string> = {},
  options: Partial<GenerationOptions> = { script },
): Promise<Started> {
  const all = { HOOKS: hooks, OPTIONS: JSON.stringify({ port: 0 }), ...env }
  const process = startGeneration({ env: all, ...options })
  const { port = 0 } = await process.ready()
  return { process, port }
}

async function hold(port: number): Promise<RawConnection> {
  const held = await RawConnection.open(port)
  held.send(get('/hold'))
  const probe = await RawConnection.open(port)
  probe.send(get('/', 'Connection: close'))
  await probe.receive(/ready$/)
  return held
}

describe('stop signals that come together', () => {
  it.each<[string, NodeJS.Signals[]]>([
    ['KillMode=control-group around a supervisor', ['SIGTERM', 'SIGTERM']],
    ['npm, which passes a Ctrl-C on', ['SIGINT', 'SIGINT']],
    ['nodemon', ['SIGTERM', 'SIGTERM', 'SIGINT']],
    ['two kinds', ['SIGINT', 'SIGTERM']],
    ['a process group, cross-env and npm at once', Array(8).fill('SIGTERM')],
  ])('are one: %s', async (_, signals) => {
    const { process, port } = await start('first')
    const held = await hold(port)
    const release = await RawConnection.open(port)
    release.send(get('/'))
    await release.receive(/ready$/)
    for (const signal of signals) process.signal(signal)
    await process.printed(/draining/)
    release.send(get('/release'))
    expect(await held.receive(/held$/)).toMatch(/connection: close/i)
    expect(await process.exit).toMatchObject({ code: 0, signal: null })
    expect(process.stderr).toBe('')
    // The kernel delivers those that wait by their numbers, not in the order of arrival.
    expect(process.stdout.match(/first (SIGTERM|SIGINT)/g)).toHaveLength(1)
  })
})

describe('the exit code', () => {
  it('that the program has set stays', async () => {
    const { process } = await start('code,first')
    process.signal('SIGTERM')
    expect(await process.exit).toMatchObject({ code: 7, signal: null })
    expect(process.stderr).toBe('')
  })

  it('that the program has set stays where a hook fails', async () => {
    const { process } = await start('code,throws')
    process.signal('SIGTERM')
    expect(await process.exit).toMatchObject({ code: 7, signal: null })
  })

  it('is that of shutdown({ exitCode })', async () => {
    const { process } = await start('calls,first')
    process.signal('SIGUSR2')
    expect(await process.exit).toMatchObject({ code: 9, signal: null })
    expect(process.stdout).toContain('first shutdown')
  })
})

describe('server.close(() => process.exit(0)) in a signal listener', () => {
  it('of an attached server: the hooks have run before, without a warning', async () => {
    const { process } = await start('closes,first,second', { ATTACHED: '1' })
    process.signal('SIGTERM')
    expect(await process.exit).toMatchObject({ code: 0, signal: null })
    expect(process.stdout).toMatch(/second false closed\nfirst SIGTERM\n$/)
    expect(process.stderr).toBe('')
  })

  it.each([{}, { ATTACHED: '1' }])('says nothing where nothing is left to do (%j)', async (env) => {
    const { process } = await start('closes', env)
    process.signal('SIGTERM')
    expect(await process.exit).toMatchObject({ code: 0, signal: null })
    expect(process.stderr).toBe('')
  })

  it('names the hooks that another end of the process skips', async () => {
    const { process } = await start('exits,throws,hangs')
    process.signal('SIGTERM')
    expect(await process.exit).toMatchObject({ code: 3, signal: null })
    expect(process.stderr).toBe(
      'socket-port: warning: the process was ended with code 3 while it drained: ' +
        'the shutdown hooks stuck, broken did not run. ' +
        'Look for process.exit in a signal listener, and use onShutdown(hook) instead\n',
    )
  })
})

describe('SIGINT without a terminal', () => {
  it('is the full drain: an idle connection is served once more', async () => {
    const { process, port } = await start('first')
    const idle = await RawConnection.open(port)
    idle.send(get('/'))
    await idle.receive(/ready$/)
    process.signal('SIGINT')
    await process.printed(/draining/)
    idle.send(get('/'))
    expect(await idle.receive(/draining$/)).toMatch(/connection: close/i)
    expect(await process.exit).toMatchObject({ code: 0, signal: null })
  })
})

describe('Ctrl-C on a terminal', () => {
  async function onTerminal(hooks = 'first') {
    const env = { HOOKS: hooks, OPTIONS: JSON.stringify({ port: 0 }) }
    const terminal = typeOnTerminal(`'${process.execPath}' '${script}'`, { env })
    const [, port] = await terminal.shown(/"port":(\d+)/)
    return { terminal, port: Number(port) }
  }

  it('closes idle connections and event streams at once', async () => {
    const { terminal, port } = await onTerminal()
    const [idle, events] = [await RawConnection.open(port), await RawConnection.open(port)]
    idle.send(get('/'))
    events.send(get('/events'))
    await Promise.all([idle.receive(/ready$/), events.receive(/data: 1/)])
    terminal.type('\x03')
    await Promise.all([idle.closed, events.closed])
    const { code, stdout } = await terminal.end
    expect(code).toBe(0)
    expect(stdout).toContain('first SIGINT')
    expect(stdout).not.toContain('in flight')
  })

  it('says each second what it waits for, and ends after 3 seconds', async () => {
    const { terminal, port } = await onTerminal()
    const held = await hold(port)
    terminal.type('\x03')
    await terminal.shown(/1 request in flight, up to 3 s; Ctrl-C again cuts it/)
    await terminal.shown(/1 request in flight, up to [12] s/)
    await held.closed
    const { code, stdout } = await terminal.end
    expect(code).toBe(0)
    expect(stdout).toMatch(/stopped after (?:[3-9]|\d\d)\.\d s: 1 request was cut/)
  })

  it('again cuts it', async () => {
    const { terminal, port } = await onTerminal()
    const held = await hold(port)
    terminal.type('\x03')
    await terminal.shown(/up to [12] s/)
    terminal.type('\x03')
    await held.closed
    const { code, stdout } = await terminal.end
    expect(code).toBe(1)
    expect(stdout).toMatch(/SIGINT after SIGINT: ending at once, 1 connection is cut/)
  })
})

describe('a cluster', () => {
  const cluster = new URL('../../fixtures/core-cluster-plain.mjs', import.meta.url).pathname

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s to the whole group, and the primary goes first: its workers drain to the end',
    async (signal) => {
      const { process: primary, port } = await start('first', { EXEC: script }, { script: cluster })
      const held = await hold(port)
      const idle = await RawConnection.open(port)
      idle.send(get('/'))
      await idle.receive(/ready$/)
      const primaryEnded = once(primary.child, 'exit')
      process.kill(-primary.pid, signal)
      await primaryEnded
      // The worker may hear the signal after its primary.
      await primary.printed(/draining/)
      idle.send(get('/release'))
      expect(await held.receive(/held$/)).toMatch(/connection: close/i)
      await primary.exit
      expect(primary.stdout).toMatch(new RegExp(`first (${signal}|shutdown)`))
      expect(primary.stderr).toBe('')
    },
  )

  it('whose primary is killed: its workers drain', async () => {
    const { process: primary, port } = await start('first', { EXEC: script }, { script: cluster })
    const held = await hold(port)
    const idle = await RawConnection.open(port)
    idle.send(get('/'))
    await idle.receive(/ready$/)
    primary.signal('SIGKILL')
    await primary.printed(/draining/)
    idle.send(get('/release'))
    expect(await held.receive(/held$/)).toMatch(/connection: close/i)
    await primary.exit
    expect(primary.stdout).toMatch(/first shutdown/)
    expect(primary.stderr).toBe('')
  })

  it('whose primary passes the signal on that the group gets too: the worker hears one', async () => {
    const env = { EXEC: script, FORWARD: '1' }
    const { process: primary, port } = await start('first', env, { script: cluster })
    const held = await hold(port)
    const idle = await RawConnection.open(port)
    idle.send(get('/'))
    await idle.receive(/ready$/)
    process.kill(-primary.pid, 'SIGTERM')
    await primary.printed(/draining/)
    idle.send(get('/release'))
    expect(await held.receive(/held$/)).toMatch(/connection: close/i)
    expect(await primary.exit).toMatchObject({ code: 0 })
    expect(primary.stderr).toBe('')
  })
})
