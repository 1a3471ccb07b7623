// Opens many keep-alive connections, makes one request on each, and holds them.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export type ConnectionsQuestion =
  | { readonly name: 'open'; readonly port: number; readonly count: number }
  | { readonly name: 'close' }

export interface ConnectionsAnswer {
  /** Connections that are open. */
  readonly open: number
}

// Fewer at a time than any accept queue holds: one that overflows makes clients wait a second.
const AT_ONCE = 100
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

const held = new Set<Socket>()

async function open(port: number, count: number): Promise<void> {
  const opener = async (): Promise<void> => {
    while (started < count) {
      started += 1
      await hold(port)
    }
  }
  let started = 0
  await Promise.all(Array.from({ length: AT_ONCE }, opener))
}

async function hold(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(REQUEST)
  const [response] = await once(socket, 'data')
  if (!String(response).startsWith('HTTP/1.1 200')) throw new Error(`answered: ${response}`)
  held.add(socket)
  socket.once('close', () => held.delete(socket))
}

async function close(): Promise<void> {
  const closed = [...held].map((socket) => once(socket.destroy(), 'close'))
  await Promise.all(closed)
}

process.on('message', async (question: ConnectionsQuestion) => {
  await (question.name === 'open' ? open(question.port, question.count) : close())
  answer()
})
process.on('disconnect', () => process.exit())

function answer(): void {
  const reply: ConnectionsAnswer = { open: held.size }
  process.send?.(reply)
}

answer()
