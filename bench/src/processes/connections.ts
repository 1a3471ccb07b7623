// Opens many keep-alive connections, makes one request on each, and holds them.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export type ConnectionsQuestion =
  | { readonly name: 'open'; readonly port: number; readonly count: number }
  /** Makes one more request on each. */
  | { readonly name: 'ask' }
  | { readonly name: 'close' }

export interface ConnectionsAnswer {
  /** Connections that are open. */
  readonly open: number
}

// Fewer at a time than any accept queue holds: one that overflows makes clients wait a second.
const AT_ONCE = 100
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

const held = new Set<Socket>()

async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function hold(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  await request(socket)
  held.add(socket)
  socket.once('close', () => held.delete(socket))
}

function request(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('closed without an answer'))
    socket.once('close', closed).once('data', (response) => {
      socket.off('close', closed)
      if (String(response).startsWith('HTTP/1.1 200')) resolve()
      else reject(new Error(`answered: ${response}`))
    })
    socket.write(REQUEST)
  })
}

async function close(): Promise<void> {
  const closed = [...held].map((socket) => once(socket.destroy(), 'close'))
  await Promise.all(closed)
}

process.on('message', async (question: ConnectionsQuestion) => {
  if (question.name === 'open') await each(Array(question.count), () => hold(question.port))
  else if (question.name === 'ask') await each(held, request)
  else await close()
  answer()
})
process.on('disconnect', () => process.exit())

function answer(): void {
  const reply: ConnectionsAnswer = { open: held.size }
  process.send?.(reply)
}

answer()
