import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import {
  expectNothingLost,
  expectStops,
  fixture,
  SERVER,
  start,
  underLoad,
  untilDrained,
  who,
} from './supervising.ts'

/** A wrapper that does not become its server, passes no signal on, and has nothing to do with Node. */
const below = (...words: string[]): [string, ...string[]] => [
  '/bin/sh',
  '-c',
  '"$0" "$@"; exit $?',
  ...words,
]

const REQUEST = { version: 1, port: 0, portGiven: false, ipv6Only: false, take: 'fitting' }

interface From {
  self?: true
  orphan?: true
  detached?: true
}

describe('the socket on which processes ask', () => {
  it('gives nothing to others, and serves on whatever they send', async () => {
    const supervised = await start({ command: below(process.execPath, fixture('cli-asker.mjs')) })
    const port = await supervised.port()
    const url = `http://127.0.0.1:${port}/`
    const path = await (await fetch(url)).text()
    const post = async (body: object): Promise<string> =>
      (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).text()
    const send = async (message: string, from: From = {}): Promise<unknown> => {
      const answer = await post({ message, from })
      try {
        return JSON.parse(answer)
      } catch {
        return answer
      }
    }
    const refused = (reason: RegExp) => ({
      version: 1,
      kind: 'refused',
      reason: expect.stringMatching(reason),
    })
    const request = (changes: object = {}): string =>
      `${JSON.stringify({ ...REQUEST, ...changes })}\n`

    // Another process below the wrapper, while one serves: as another server on the port.
    for (const from of [{}, { orphan: true }, { detached: true }] satisfies From[]) {
      expect(await send(request(), from)).toEqual(refused(/^process \d+ serves it already$/))
    }
    // Neither its session nor its parents tell where it comes from. Of others nothing is read.
    const lost = { orphan: true, detached: true } as const
    expect(await send('', lost)).toEqual(refused(/has started neither it nor a process/))
    // This process has the same user.
    expect(JSON.parse(await text(connect(path)))).toEqual(refused(/has started neither it/))

    // What no socket fits is told with what there is.
    const none = { version: 1, kind: 'none', kept: [`127.0.0.1:${port}`] }
    expect(await send(request({ port: 1, take: 'exact', portGiven: true }))).toEqual(none)
    expect(await send(request({ path: '/x', take: 'exact' }))).toEqual(none)
    const elsewhere = { port, portGiven: true, host: '127.0.0.2', take: 'exact' }
    expect(await send(request(elsewhere))).toEqual(none)

    for (const [message, reason] of [
      ['garbage\n', /no JSON/],
      ['[1]\n', /no JSON object/],
      ['\0\xff\n', /no JSON/],
      [request({ version: 2 }), /version is 2, not 1/],
      [request({ port: -1 }), /port is no number/],
      [request({ host: {} }), /host is no text/],
      [`{"version":1,"path":"${'x'.repeat(5_000)}`, /longer than 4096 bytes/],
      ['{"version":1', /has sent no request/],
    ] as const) {
      expect(await send(message, { self: true })).toEqual(refused(reason))
    }

    // A flood, from below and from elsewhere, does not keep the next generation from its socket.
    expect(await post({ count: 300 })).toBe('300')
    const flood = Array.from({ length: 300 }, () =>
      connect(path)
        .resume()
        .on('error', () => {}),
    )
    await Promise.all(flood.map((socket) => once(socket, 'close')))
    supervised.generation.signal('SIGHUP')
    await supervised.printed(/generation 2 is ready/)
    await untilDrained(supervised)

    const reports = supervised.generation.output.match(/warning: .*was given none/g) ?? []
    expect(reports.length).toBeGreaterThan(0)
    // One in ten seconds.
    expect(reports.length).toBeLessThan(10)
    await expectStops(supervised)
    expect(existsSync(path)).toBe(false)
  })

  describe(...requireOrSkip('another user', rootSkipReason()), () => {
    it('does not reach it', async () => {
      const supervised = await start({ command: below(process.execPath, fixture('cli-asker.mjs')) })
      const path = await (await fetch(`http://127.0.0.1:${await supervised.port()}/`)).text()
      // That user may have no right to read the file in a clone.
      const script = readFileSync(fixture('cli-ask.mjs'), 'utf8')
      const ask = ['--input-type=module', '--eval', script, 'cli-ask.mjs', path, 'x\n']
      const child = spawn(process.execPath, ask, {
        cwd: '/',
        uid: 65_534,
        gid: 65_534,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      expect(await text(child.stdout)).toBe('EACCES\n')
      await expectStops(supervised)
    })
  })
})

describe('a server below a wrapper that goes on when it ends', () => {
  // As a watcher does, it starts the server again, at once.
  const again = (...words: string[]): [string, ...string[]] => [
    '/bin/sh',
    '-c',
    'while :; do "$0" "$@"; done',
    ...words,
  ]

  it('is followed by the next one: 0 failed, 0 closed', async () => {
    const supervised = await start({ command: again(process.execPath, SERVER) })
    const port = await supervised.port()
    const result = await underLoad(
      port,
      async ({ oneRequestEach }) => {
        for (const _ of [1, 2]) {
          const { pid } = await who(port)
          process.kill(pid, 'SIGTERM')
          await supervised.until(({ generations }) => generations[0]?.workers[0]?.pid !== pid)
          await oneRequestEach()
        }
      },
      { connection: 'keep-alive', idle: { clients: 20 } },
    )
    expectNothingLost(result)
    expect(result.closedByServer).toBe(0)
    expect(result.idle.closed).toEqual({ fin: 0, reset: 0, data: 0 })
    const { restarts, generations } = await supervised.status()
    expect([restarts, generations.length]).toEqual([0, 1])
    await expectStops(supervised)
  })
})
