import { versions } from '@socket-port/ws-versions'
import { describe, expect, it, test } from 'vitest'
import {
  differenceOf,
  hasInflateContext,
  hasInflated,
  hasSentAll,
  receivedBy,
  release,
  webSocketOf,
} from './internals.ts'
import {
  BINARY,
  CONTINUATION,
  clientFrame,
  clientMessage,
  deflated,
  PING,
  TEXT,
} from './testing/client-frames.ts'
import { type Served, type ServerClass, serveInMemory } from './testing/pair.ts'
import { unreadOf } from './unread.ts'

const NO_CONTEXT = 'permessage-deflate; client_no_context_takeover'

/** Each kind of frame that a client may send, and what the program hears. */
const CONVERSATION = [
  clientMessage('one'),
  clientFrame({ fin: false, opcode: TEXT }, 'fragments: \u00e9'),
  clientFrame({ fin: true, opcode: PING }, 'between'),
  clientFrame({ fin: false, opcode: CONTINUATION }, ''),
  clientFrame({ fin: false, opcode: CONTINUATION }, ', more'),
  clientFrame({ fin: true, opcode: CONTINUATION }, ', end'),
  clientFrame({ fin: false, opcode: BINARY }, ''),
  clientFrame({ fin: true, opcode: PING }, ''),
  clientFrame({ fin: true, opcode: CONTINUATION }, 'after an empty one'),
  clientFrame({ fin: true, opcode: BINARY }, 'x'.repeat(150)),
  clientFrame({ fin: true, opcode: TEXT }, ''),
  clientMessage('last'),
]
const HEARD = [
  'text one',
  'ping between',
  'text fragments: \u00e9, more, end',
  'ping ',
  'binary after an empty one',
  `binary ${'x'.repeat(150)}`,
  'text ',
  'text last',
]

const LARGE = 70_000
const LARGE_CONVERSATION = [
  clientFrame({ fin: false, opcode: BINARY }, 'y'.repeat(LARGE)),
  clientFrame({ fin: true, opcode: CONTINUATION }, 'z'.repeat(LARGE)),
]
const LARGE_HEARD = [`binary ${'y'.repeat(LARGE)}${'z'.repeat(LARGE)}`]

const COMPRESSED_CONVERSATION = ['first', 'second'].map((text) =>
  clientFrame({ fin: true, opcode: TEXT, compressed: true }, deflated(text)),
)

/** What goes to the next process from a WebSocket that has read all that it was sent. */
async function unread(served: Served): Promise<Buffer> {
  const end = performance.now() + 10_000
  while (performance.now() < end) {
    const received = receivedBy(served.ws)
    if (received !== undefined) return unreadOf(received)
    await new Promise(setImmediate)
  }
  throw new Error('the receiver does not come to rest')
}

/** Cuts what a client sends after so many bytes: what do both programs hear together? */
async function heardInHalves(
  [first, second]: readonly [ServerClass, ServerClass],
  frames: readonly Buffer[],
  at: number,
  extensions = '',
): Promise<string[]> {
  const bytes = Buffer.concat(frames)
  const before = await serveInMemory(first, deflate(extensions))
  await before.read(bytes.subarray(0, at))
  const after = await serveInMemory(second, deflate(extensions))
  const replay = await unread(before)
  release(before.ws)
  before.socket.destroy()
  await after.read(Buffer.concat([replay, bytes.subarray(at)]))
  await unread(after)
  return [...before.heard, ...after.heard]
}

const deflate = (extensions: string) =>
  extensions === '' ? {} : { extensions, options: { perMessageDeflate: true } }

const newest = versions['8.23.0'] as ServerClass

/** Every place where the bytes can be cut in the newest version, and every thirteenth in the others, each at its own. */
function cuts(version: string, frames: readonly Buffer[]): number[] {
  const minor = Number(version.split('.')[1])
  return Array.from({ length: Buffer.concat(frames).length + 1 }, (_, at) => at).filter(
    (at) => versions[version] === newest || at % 13 === minor % 13,
  )
}

test('there are the minor versions of ws 8', () => {
  const minors = Object.keys(versions).map((version) => Number(version.split('.')[1]))
  expect(minors.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, minor) => minor))
})

describe.each(Object.entries(versions))('ws %s', (version, library) => {
  it('is as expected', async () => {
    const served = await serveInMemory(library, deflate(NO_CONTEXT))
    expect(webSocketOf(served.socket as never)).toBe(served.ws)
    expect(differenceOf(served.ws)).toBeUndefined()
  })

  it('can be handed over at each byte that a client sends, to the newest version', async () => {
    for (const at of cuts(version, CONVERSATION)) {
      const heard = await heardInHalves([library, newest], CONVERSATION, at)
      expect({ at, heard }).toEqual({ at, heard: HEARD })
    }
  })

  it('goes on from the newest version', async () => {
    for (const at of cuts(version, CONVERSATION)) {
      const heard = await heardInHalves([newest, library], CONVERSATION, at)
      expect({ at, heard }).toEqual({ at, heard: HEARD })
    }
  })

  it('can be handed over within a large message', async () => {
    for (const at of [1, 2, 5, 9, 10, 13, 14, 15, LARGE, LARGE + 14, LARGE + 20, LARGE + 40]) {
      const heard = await heardInHalves([library, newest], LARGE_CONVERSATION, at)
      expect({ at, heard }).toEqual({ at, heard: LARGE_HEARD })
    }
  })

  it('can be handed over within a compressed message', async () => {
    for (const at of cuts(version, COMPRESSED_CONVERSATION)) {
      const heard = await heardInHalves([library, newest], COMPRESSED_CONVERSATION, at, NO_CONTEXT)
      expect({ at, heard }).toEqual({ at, heard: ['text first', 'text second'] })
    }
  })

  it('knows when compression has a context', async () => {
    const [takes, gives] = await Promise.all(
      ['permessage-deflate', NO_CONTEXT].map((each) => serveInMemory(library, deflate(each))),
    )
    const state = ({ ws }: Served) => [hasInflateContext(ws), hasInflated(ws)]
    expect([state(takes as Served), state(gives as Served)]).toEqual([
      [false, false],
      [false, false],
    ])
    for (const served of [takes, gives] as Served[]) {
      await served.read(Buffer.from(COMPRESSED_CONVERSATION[0] as Buffer))
      await unread(served)
    }
    expect([state(takes as Served), state(gives as Served)]).toEqual([
      [true, true],
      [false, true],
    ])
  })

  it('knows when it has something to send', async () => {
    const { ws } = await serveInMemory(library, deflate('permessage-deflate'))
    expect(hasSentAll(ws)).toBe(true)
    const sent = new Promise((resolve) => ws.send('x'.repeat(5000), resolve))
    expect(hasSentAll(ws)).toBe(false)
    await sent
    expect(hasSentAll(ws)).toBe(true)
    ws.send('a', { fin: false, compress: false })
    expect(hasSentAll(ws)).toBe(false)
    ws.send('b', { fin: true, compress: false })
    expect(hasSentAll(ws)).toBe(true)
  })

  it('is released: no event, no client of the server, and what it sends calls back', async () => {
    const { ws, server, heard, socket, written, read } = await serveInMemory(library)
    const length = written().length
    ws.pause?.()
    await read(clientMessage('read by the stream, and not by ws'))
    release(ws)
    expect(server.clients.size).toBe(0)
    socket.destroy()
    await new Promise((resolve) => socket.once('close', resolve))
    await new Promise(setImmediate)
    const failed = await new Promise((resolve) => ws.send('late', resolve))
    expect(failed).toBeInstanceOf(Error)
    for (const call of ['ping', 'pong', 'close', 'terminate', 'pause', 'resume'] as const) {
      ws[call]?.()
    }
    // `pause` came with 8.7.
    expect(heard).toEqual('pause' in ws ? [] : ['text read by the stream, and not by ws'])
    expect(written().length).toBe(length)
    expect([ws.readyState, server.clients.size]).toEqual([ws.CLOSED, 0])
    await new Promise((resolve) => server.close(resolve))
  })
})
