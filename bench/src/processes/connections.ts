// Opens many connections, makes one request on each, or sends one message, and holds them.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { LightSocketIo } from '@socket-port/testkit/light-socket-io'
import { handshake, textFrame } from '@socket-port/testkit/raw-web-socket'

export type ConnectionKind = 'http' | 'webSockets' | 'socketIo'

export type ConnectionsQuestion =
  | {
      readonly name: 'open'
      readonly port: number
      readonly count: number
      /** What is spoken on them. @default 'http' */
      readonly kind?: ConnectionKind
    }
  /** Makes one more request on each. */
  | { readonly name: 'ask' }
  | { readonly name: 'close' }

export interface ConnectionsAnswer {
  /** The number of connections that are open and without a fault. */
  readonly open: number
}

// Fewer at a time than an accept queue holds: if it overflows, clients wait for a second.
const AT_ONCE = 100
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

const HANDSHAKE = handshake('/')
const MESSAGE = textFrame('hi')

const held = new Set<Socket>()
const clients = new Set<LightSocketIo>()
let kind: ConnectionKind = 'http'

async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function hold(port: number): Promise<void> {
  if (kind === 'socketIo') {
    const client = await LightSocketIo.open(port)
    await client.ask()
    clients.add(client)
    return
  }
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  if (kind === 'webSockets') await answered(socket, HANDSHAKE, 'HTTP/1.1 101')
  await request(socket)
  held.add(socket)
  socket.once('close', () => held.delete(socket))
}

const request = (socket: Socket): Promise<void> =>
  kind === 'webSockets'
    ? answered(socket, MESSAGE, '\x81\x02hi')
    : answered(socket, REQUEST, 'HTTP/1.1 200')

function answered(socket: Socket, question: string | Uint8Array, start: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('closed without an answer'))
    socket.once('close', closed).once('data', (response) => {
      socket.off('close', closed)
      if (response.toString('latin1').startsWith(start)) resolve()
      else reject(new Error(`answered: ${response}`))
    })
    socket.write(question)
  })
}

async function close(): Promise<void> {
  const closed = [...held].map((socket) => once(socket.destroy(), 'close'))
  await Promise.all([...closed, ...[...clients].map((client) => client.close())])
  clients.clear()
}

process.on('message', async (question: ConnectionsQuestion) => {
  if (question.name === 'open') {
    kind = question.kind ?? 'http'
    await each(Array(question.count), () => hold(question.port))
  }
  if (question.name === 'ask') {
    await each(held, request)
    await each(clients, async (client) => void (await client.ask()))
  }
  if (question.name === 'close') await close()
  answer()
})
process.on('disconnect', () => process.exit())

function answer(): void {
  const faultless = [...clients].filter(({ isOpen, faults }) => isOpen && faults.length === 0)
  const reply: ConnectionsAnswer = { open: held.size + faultless.length }
  process.send?.(reply)
}

answer()
