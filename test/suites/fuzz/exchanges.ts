import { createHash } from 'node:crypto'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Body, Head, Wire } from '@socket-port/testkit/fuzz/wire'
import type { Chance } from './cases.ts'

/** What one client asks of one server. */
export interface Asking {
  wire: Wire
  chance: Chance
  /** Of the server whose address it has connected to. */
  server: string
  /** Of this exchange alone. */
  id: string
}

/** Whether the connection goes on; throws where a response is not that to its request. */
export type Exchange = (asking: Asking) => Promise<'open' | 'ended'>

interface Request {
  id: string
  method: string
  url: string
  body: string
  sum: string
  text: string
}

/** Every kind of exchange, and how often it comes. */
export const WEIGHTS = {
  plain: 30,
  pipelined: 15,
  expecting: 10,
  refused: 10,
  old: 8,
  halfClosed: 8,
  upgraded: 8,
  connected: 6,
} as const
export type Kind = keyof typeof WEIGHTS

export const exchanges: Record<Kind, Exchange> = {
  async plain(asking) {
    const request = makeRequest(asking)
    await send(asking, request.text)
    return answered(asking, request)
  },

  async pipelined(asking) {
    const count = 2 + asking.chance.number(4)
    const requests = Array.from({ length: count }, (_, index) => makeRequest(asking, `-${index}`))
    await send(asking, requests.map(({ text }) => text).join(''))
    let state: 'open' | 'ended' = 'open'
    for (const request of requests) {
      if (state === 'ended') throw new Error(`pipelined ${request.url} was left without an answer`)
      state = await answered(asking, request)
    }
    return state
  },

  async expecting(asking) {
    const request = makeRequest(asking, '', { expect: true })
    const end = request.text.indexOf('\r\n\r\n') + 4
    await send(asking, request.text.slice(0, end))
    const { status } = await asking.wire.head()
    if (status !== 100) throw new Error(`status ${status} before the body, instead of 100`)
    await send(asking, request.text.slice(end))
    return answered(asking, request)
  },

  async refused(asking) {
    const { wire, id, chance } = asking
    const body = 'x'.repeat(1 + chance.number(200_000))
    const request = { id, method: 'POST', url: '/refuse', body: '', sum: '', text: '' }
    const head = `POST /refuse HTTP/1.1\r\nHost: fuzz\r\nX-Id: ${id}\r\nContent-Length: ${body.length}\r\n\r\n`
    const early = chance.number(body.length)
    await send(asking, head + body.slice(0, early))
    const response = await wire.head()
    if (response.status !== 413) throw new Error(`status ${response.status} instead of 413`)
    verify(asking, request, response, await wire.body(response))
    wire.write(body.slice(early))
    return after(wire, response)
  },

  async old(asking) {
    const keep = asking.chance.number(2) === 0
    const request = makeRequest(asking, '', { version: '1.0', keep })
    await send(asking, request.text)
    const state = await answered(asking, request)
    if (state === 'open' && !keep) throw new Error('HTTP/1.0 was kept alive unasked')
    return state
  },

  async halfClosed(asking) {
    const { wire, id } = asking
    const text = `GET /now HTTP/1.1\r\nHost: fuzz\r\nX-Id: ${id}\r\n\r\n`
    const request = { id, method: 'GET', url: '/now', body: '', sum: '', text }
    // At once: Node gives up a request whose client has left before the answer was made.
    wire.write(text)
    wire.finish()
    const response = await wire.head()
    verify(asking, request, response, await wire.body(response))
    await wire.end()
    return 'ended'
  },

  upgraded: (asking) =>
    tunnelled(asking, 'GET', '/up', 101, 'Connection: Upgrade\r\nUpgrade: echo\r\n'),
  connected: (asking) => tunnelled(asking, 'CONNECT', 'fuzz:1', 200, ''),
}

async function tunnelled(
  asking: Asking,
  method: string,
  url: string,
  status: number,
  more: string,
): Promise<'ended'> {
  const { wire, id, chance } = asking
  // Some bytes come with the head.
  const early = chance.number(2) === 0 ? `early ${id}` : ''
  await send(
    asking,
    `${method} ${url} HTTP/1.1\r\nHost: fuzz\r\nX-Id: ${id}\r\n${more}\r\n${early}`,
  )
  const head = await wire.head()
  if (head.status !== status) throw new Error(`status ${head.status} instead of ${status}`)
  const request = { id, method, url, body: '', sum: '', text: '' }
  verify(asking, request, head, { text: head.headers.get('x-text') ?? '', trailers: new Map() })
  const late = `late ${id}`.repeat(1 + chance.number(50))
  await send(asking, late)
  const echoed = await wire.take(early.length + late.length)
  if (echoed !== early + late) throw new Error(`"${echoed.slice(0, 80)}" came back`)
  wire.finish()
  await wire.end()
  return 'ended'
}

/** A request of any method, target, framing and body. */
function makeRequest(
  { chance, id: base }: Asking,
  suffix = '',
  { expect = false, version = '1.1', keep = false } = {},
): Request {
  const id = base + suffix
  const { number, weigh } = chance
  const method = expect ? 'POST' : weigh({ GET: 3, POST: 3, PUT: 1, DELETE: 1 })
  const query = [
    ...(number(3) === 0 ? [`wait=${number(20)}`] : []),
    ...(version === '1.1' && number(5) === 0 ? ['hints=1'] : []),
  ]
  const path = weigh({ '/echo': 3, '/chunked': version === '1.1' ? 1 : 0 })
  const url = `${path}?${[`id=${id}`, ...query].join('&')}`
  const lines = [`${method} ${url} HTTP/${version}`, 'Host: fuzz', `X-Id: ${id}`]
  if (expect) lines.push('Expect: 100-continue')
  if (keep) lines.push('Connection: keep-alive')
  if (number(4) === 0) lines.push(`X-Padding: ${'p'.repeat(number(4000))}`)
  const hasBody = expect || method === 'POST' || method === 'PUT'
  if (!hasBody) return { id, method, url, body: '', sum: '', text: `${lines.join('\r\n')}\r\n\r\n` }

  const body = id.repeat(1 + number(weigh({ '20': 9, '5000': 1 }) === '20' ? 20 : 5000))
  if (version !== '1.1' || number(2) === 0) {
    const head = [...lines, `Content-Length: ${body.length}`].join('\r\n')
    return { id, method, url, body, sum: '', text: `${head}\r\n\r\n${body}` }
  }
  const sum = number(2) === 0 ? `sum-of-${id}` : ''
  const head = [...lines, 'Transfer-Encoding: chunked', ...(sum ? ['Trailer: X-Sum'] : [])]
  const chunks: string[] = []
  for (let at = 0; at < body.length; ) {
    const chunk = body.slice(at, at + 1 + number(500))
    chunks.push(`${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    at += chunk.length
  }
  const end = `0\r\n${sum ? `X-Sum: ${sum}\r\n` : ''}\r\n`
  return {
    id,
    method,
    url,
    body,
    sum,
    text: `${head.join('\r\n')}\r\n\r\n${chunks.join('')}${end}`,
  }
}

/** Sends it in pieces, wherever they break, with or without time between them. */
async function send({ wire, chance }: Asking, text: string): Promise<void> {
  const pieces = chance.weigh({ '1': 5, '2': 3, '6': 2 })
  const breaks = Array.from({ length: Number(pieces) - 1 }, () => chance.number(text.length))
  let at = 0
  for (const end of [...breaks.sort((a, b) => a - b), text.length]) {
    if (end === at) continue
    wire.write(text.slice(at, end))
    at = end
    if (end === text.length) return
    const pause = chance.weigh({ none: 2, turn: 2, some: 1 })
    if (pause === 'turn') await setImmediate()
    if (pause === 'some') await setTimeout(chance.number(15))
  }
}

async function answered(asking: Asking, request: Request): Promise<'open' | 'ended'> {
  const { wire } = asking
  let head = await wire.head()
  const hinted = head.status === 103
  if (hinted !== request.url.includes('hints=1'))
    throw new Error(`status ${head.status} came first`)
  if (hinted) head = await wire.head()
  if (head.status !== 200) throw new Error(`status ${head.status}`)
  verify(asking, request, head, await wire.body(head))
  return after(wire, head)
}

function verify({ server }: Asking, request: Request, head: Head, body: Body): void {
  const { id, method, url, sum } = request
  const by = head.headers.get('x-server')
  if (by !== server) throw new Error(`server ${by} answered what was asked of ${server}`)
  const digest = createHash('sha1').update(request.body).digest('hex')
  const expected = [id, method, url, digest, sum].join(' ')
  if (body.text !== expected) throw new Error(`"${body.text}" came instead of "${expected}"`)
  if (url.startsWith('/chunked') && body.trailers.get('x-end') !== id) {
    throw new Error(`the trailer is "${body.trailers.get('x-end')}" instead of "${id}"`)
  }
}

async function after(wire: Wire, { headers }: Head): Promise<'open' | 'ended'> {
  if (headers.get('connection') !== 'close') return 'open'
  await wire.end()
  return 'ended'
}
