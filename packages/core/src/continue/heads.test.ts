import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, test } from 'vitest'
import { LastEventId } from './last-event-id.ts'
import { requestHead } from './request-head.ts'
import { framingOf } from './response-head.ts'
import { StreamTail } from './stream-tail.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

describe('the head of a request', () => {
  /** What Node makes of bytes. */
  async function read(bytes: Uint8Array | string): Promise<IncomingMessage> {
    const server = createServer()
    const request = new Promise<IncomingMessage>((resolve) => server.once('request', resolve))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = await RawConnection.open((server.address() as AddressInfo).port, '127.0.0.1')
    cleanups.push(async () => {
      client.close()
      await client.closed
      server.close()
    })
    client.send(bytes)
    return await request
  }

  it('is the same when it is read again, with repeated headers and bytes above ASCII', async () => {
    const head =
      'GET /a?b=%20c HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two: 2\r\nCookie: a=\u00e9\r\n\r\n'
    const first = await read(Buffer.from(head, 'latin1'))
    expect(requestHead(first).toString('latin1')).toBe(head)
    const second = await read(requestHead(first))
    expect(second.rawHeaders).toEqual(first.rawHeaders)
    expect(second.url).toBe('/a?b=%20c')
  })

  it('has the given path and headers, and lacks the removed ones', async () => {
    const head =
      'GET /old HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\nX-Gone: 1\r\nExpect: 100-continue\r\n\r\n'
    const changes = { url: '/new', headers: { 'last-event-id': '7', 'x-gone': undefined } }
    expect(requestHead(await read(head), changes).toString()).toBe(
      'GET /new HTTP/1.1\r\nHost: x\r\nlast-event-id: 7\r\n\r\n',
    )
  })
})

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked'

test.each([
  ['another reason phrase', HEAD.replace('OK', 'Fine'), true],
  ['another date', `${HEAD}\r\nDate: today`, true],
  ['another connection header', `${HEAD}\r\nConnection: close`, true],
  ['other letters', HEAD.replace('Content-Type', 'content-type'), true],
  [
    'another order',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream',
    true,
  ],
  ['another status', HEAD.replace('200', '401'), false],
  ['another type', HEAD.replace('event-stream', 'html'), false],
  ['a length', HEAD.replace('Transfer-Encoding: chunked', 'Content-Length: 3'), false],
  ['an encoding', `${HEAD}\r\nContent-Encoding: gzip`, false],
  ['no chunks', HEAD.replace('\r\nTransfer-Encoding: chunked', ''), false],
  ['another protocol', `${HEAD}\r\nSec-WebSocket-Protocol: chat`, false],
  ['extensions', `${HEAD}\r\nSec-WebSocket-Extensions: permessage-deflate`, false],
  ['no HTTP', 'SSH-2.0', false],
])('a response with %s continues another one: %s', (_, head, fits) => {
  expect(framingOf(head) === framingOf(HEAD)).toBe(fits)
})

test.each([
  ['one event', ['id: 1\ndata: x\n\n'], '1'],
  ['several', ['id: 1\n\nid:2\n\n'], '2'],
  ['lines that end with CR', ['id: 1\r\rdata: x\r\r'], '1'],
  ['a line in parts', ['i', 'd: ', '12', '\n\n'], '12'],
  ['bytes', [Buffer.from('id: 3\n\n')], '3'],
  ['an id above ASCII, as bytes', ['id: \u00e9\n\n'], '\u00c3\u00a9'],
  ['an id that is taken back', ['id: 1\n\nid\n\n'], ''],
  ['an id with NUL, which no client takes', ['id: 1\n\nid: 2\0\n\n'], '1'],
  ['no id', ['data: id: 4\n\n'], 'before'],
  ['a comment', [': id: 4\n\n'], 'before'],
])('the last id of %s', (_, chunks, id) => {
  const last = new LastEventId('before')
  for (const chunk of chunks) last.written(chunk)
  expect(last.value).toBe(id)
})

test.each([
  [[], true],
  [['data: x\n\n'], true],
  [['data: x\n', '\n'], true],
  [['data: x\r\n\r\n'], true],
  [['data: x\r\r'], true],
  [['data: x\n'], false],
  [['data: x', '\n'], false],
  [['\n'], true],
  [['\r', '\n'], true],
  [['\n', 'data: x\n'], false],
  [['data: x\n\n', 'data'], false],
  [[Buffer.from('data: x\n\n')], true],
])('%j is between two events: %s', (chunks, between) => {
  const tail = new StreamTail()
  for (const chunk of chunks) tail.written(chunk)
  expect(tail.isBetween).toBe(between)
})
