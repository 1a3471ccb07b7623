import { freePort } from '@socket-port/testkit/native'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { describe, expect, it } from 'vitest'
import { afterTest, fixture, start } from './supervising.ts'

/** Asks again and again, each time on a new connection, until it gets another answer or is stopped. */
class Prober {
  /** The first answer that is not 200. */
  readonly failed: Promise<string>
  answered = 0
  #changed: () => void = () => {}
  #stopped = false

  constructor(port: number, path: string) {
    this.failed = this.#ask(port, path)
    afterTest(() => this.stop())
  }

  async more(count: number): Promise<void> {
    const enough = this.answered + count
    while (this.answered < enough) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  stop(): void {
    this.#stopped = true
  }

  async #ask(port: number, path: string): Promise<string> {
    while (!this.#stopped) {
      const status = await statusOf(port, path)
      if (status !== '200') return status
      this.answered += 1
      this.#changed()
    }
    return 'none'
  }
}

async function statusOf(port: number, path: string): Promise<string> {
  const client = await RawConnection.open(port)
  client.send(get(path, 'Connection: close'))
  await client.closed
  return client.text.split(' ')[1] ?? `${client.error?.code ?? 'nothing'}`
}

describe('run --register, with probes', () => {
  it.each([
    ['on a port of their own', true],
    ['on the port of the program', false],
  ])('%s: no probe fails at a reload; at the stop they say 503', async (_, own) => {
    const [port, probes] = [freePort(), freePort()]
    const supervised = await start({
      command: [process.execPath, fixture('plain-own.mjs')],
      args: ['--register', ...[port, probes].flatMap((each) => ['--listen', `${each}`])],
      env: {
        PORT: String(port),
        SOCKET_PORT_REGISTER_PROBES_READY: '/readyz',
        ...(own && { SOCKET_PORT_REGISTER_PROBES_PORT: String(probes) }),
      },
    })
    const prober = new Prober(own ? probes : port, '/readyz')
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    expect(await Promise.race([prober.more(20), prober.failed])).toBe(undefined)
    const held = await RawConnection.open(port)
    held.send(get('/hold'))
    await prober.more(20)
    supervised.generation.signal('SIGTERM')
    expect(await prober.failed).toBe('503')
    held.close()
    expect(await supervised.generation.exit).toMatchObject({ code: 0 })
  })
})
