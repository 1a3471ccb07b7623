import { type Generation, startGeneration } from '@socket-port/testkit/generation'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'

afterEach(endProcesses)

const script = new URL('../../fixtures/core-shutdown.mjs', import.meta.url).pathname

interface Started {
  process: Generation
  open(): Promise<RawConnection>
}

async function start(hooks = '', options: object = {}): Promise<Started> {
  const env = { HOOKS: hooks || 'first', OPTIONS: JSON.stringify({ port: 0, ...options }) }
  const process = startGeneration({ script, env })
  const { port = 0 } = await process.ready()
  return { process, open: () => RawConnection.open(port) }
}

/** A connection on which `/hold` is in flight, and one that is idle. */
async function busy({ open }: Started): Promise<{ held: RawConnection; idle: RawConnection }> {
  const [held, idle] = [await open(), await open()]
  held.send(get('/hold'))
  idle.send(get('/'))
  await idle.receive(/ready$/)
  return { held, idle }
}

describe('SIGTERM', () => {
  it('drains, runs the hooks after the last connection, newest first, and exits with 0', async () => {
    const started = await start('first,second')
    const { held, idle } = await busy(started)
    started.process.signal('SIGTERM')
    await started.process.printed(/draining/)
    // Served though the signal has come, by a process that says it is no longer ready.
    idle.send(get('/release'))
    expect(await idle.receive(/draining$/)).toMatch(/connection: close/i)
    expect(await held.receive(/held$/)).toMatch(/connection: close/i)
    expect(await started.process.exit).toMatchObject({ code: 0, signal: null })
    expect(started.process.stdout).toMatch(/second false closed\nfirst SIGTERM\n$/)
    expect(started.process.stderr).toBe('')
  })

  it('a second time ends the process at once, with 1', async () => {
    const started = await start()
    const { held } = await busy(started)
    started.process.signal('SIGTERM')
    await started.process.printed(/draining/)
    // Those of the first moments are still the first one.
    const impatience = setInterval(() => started.process.signal('SIGTERM'), 10)
    await held.closed
    clearInterval(impatience)
    expect(await started.process.exit).toMatchObject({ code: 1, signal: null })
    expect(started.process.stderr).toMatch(
      /SIGTERM after SIGTERM: ending at once, 2 connections are cut/,
    )
  })

  it('works beside listeners of the program itself', async () => {
    const started = await start('listener,first')
    started.process.signal('SIGTERM')
    expect(await started.process.exit).toMatchObject({ code: 0 })
    expect(started.process.stdout).toMatch(/draining\nown listener\nfirst SIGTERM\n$/)
  })

  it('tells who cut the connections when another listener ends the process', async () => {
    const started = await start('exits')
    await busy(started)
    started.process.signal('SIGTERM')
    expect(await started.process.exit).toMatchObject({ code: 3 })
    expect(started.process.stderr).toMatch(
      /ended with code 3 while it drained: 2 connections are cut.*process\.exit.*onShutdown/s,
    )
  })

  it('during start-up ends the process with 0 and nothing listens', async () => {
    // The look-up of its host name does not end before the signal comes.
    const process = startGeneration({
      script: new URL('../../fixtures/core-start-up.mjs', import.meta.url).pathname,
    })
    await process.printed(/starting/)
    process.signal('SIGTERM')
    expect(await process.exit).toMatchObject({ code: 0, signal: null })
    expect(process.output).toBe('starting\nhook SIGTERM\n')
  })

  it('at the deadline cuts what is left, says so, and still exits with 0', async () => {
    const started = await start('first', { drain: { timeout: 1_000, idleTimeout: 10 } })
    await busy(started)
    started.process.signal('SIGTERM')
    expect(await started.process.exit).toMatchObject({ code: 0 })
    expect(started.process.stderr).toMatch(
      /drained .*: 0 requests served meanwhile, 1 idle .* closed, 1 .* cut/,
    )
    expect(started.process.stdout).toMatch(/first SIGTERM/)
  })
})

describe('a hook', () => {
  it('that throws is named, the next one runs, and the process exits with 1', async () => {
    const started = await start('first,throws')
    started.process.signal('SIGTERM')
    expect(await started.process.exit).toMatchObject({ code: 1, signal: null })
    expect(started.process.stderr).toMatch(/hook broken failed: Error: no database/)
    expect(started.process.stdout).toMatch(/first SIGTERM\n$/)
  })

  it('that hangs is given up after its time, the next one runs, and the process exits with 1', async () => {
    const started = await start('first,hangs')
    started.process.signal('SIGTERM')
    expect(await started.process.exit).toMatchObject({ code: 1, signal: null })
    expect(started.process.stderr).toMatch(/hook stuck did not end within 20 ms/)
    expect(started.process.stdout).toMatch(/first SIGTERM\n$/)
  })
})
