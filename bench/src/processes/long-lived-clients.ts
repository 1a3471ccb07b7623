// Holds WebSockets, of ws or with the handshake of Socket.IO, that connect again at once when they are closed.
import { now } from '@socket-port/testkit'
import { WebSocket } from 'ws'

export type LongLivedKind = 'ws' | 'socket.io'

export type LongLivedQuestion =
  | {
      readonly name: 'open'
      readonly port: number
      readonly count: number
      readonly kind: LongLivedKind
    }
  /** Answered when each WebSocket has been closed once. */
  | { readonly name: 'closed' }

export interface LongLivedAnswer {
  /** How many were closed with each code. */
  readonly codes: Readonly<Record<number, number>>
  /** When the last one was closed. */
  readonly last: number
}

// Fewer at a time than any accept queue holds.
const AT_ONCE = 100

const codes: Record<number, number> = {}
let last = 0
let left = 0
let allClosed = (): void => {}

function open(port: number, kind: LongLivedKind, greeted: () => void): WebSocket {
  const path = kind === 'ws' ? '/ws' : '/socket.io/?EIO=4&transport=websocket'
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false })
  client.on('message', (data) => {
    const text = String(data)
    // Socket.IO: the session is open, so connect to its only namespace, which is answered.
    if (text.startsWith('0{')) client.send('40')
    else greeted()
  })
  client.on('error', (error) => console.error(error.message))
  return client
}

function hold(port: number, kind: LongLivedKind): Promise<void> {
  return new Promise((resolve) => {
    open(port, kind, resolve).once('close', (code: number) => {
      codes[code] = (codes[code] ?? 0) + 1
      last = now()
      left -= 1
      if (left === 0) allClosed()
      const again = (): void => void open(port, kind, () => {}).once('close', again)
      again()
    })
  })
}

process.on('message', async (question: LongLivedQuestion) => {
  if (question.name === 'open') {
    const { port, count, kind } = question
    left = count
    let begun = 0
    const worker = async (): Promise<void> => {
      for (; begun < count; await hold(port, kind)) begun += 1
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  } else if (left > 0) {
    await new Promise<void>((resolve) => {
      allClosed = resolve
    })
  }
  answer()
})
process.on('disconnect', () => process.exit())

function answer(): void {
  const reply: LongLivedAnswer = { codes, last }
  process.send?.(reply)
}

answer()
