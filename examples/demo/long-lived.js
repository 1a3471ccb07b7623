import { EventEmitter, once } from 'node:events'
import { get } from 'node:http'
import { WebSocket } from 'ws'

const EACH = 10
const INTERVAL = 50

/** The counts of the clients of one kind. `lost`: numbers that did not come, and those that came twice. */
class Counts {
  messages = 0
  closed = 0
  lost = 0
  /** The longest time between two messages to one client. */
  longestStall = { ms: 0 }
}

/** Expects numbers in their order, and connects again when its connection is closed. */
class Client extends EventEmitter {
  last
  #heardAt
  #isOver = false
  #counts

  constructor(port, counts) {
    super()
    this.port = port
    this.#counts = counts
  }

  heard(number) {
    const now = performance.now()
    const counts = this.#counts
    counts.messages += 1
    if (this.last !== undefined) {
      counts.lost += Math.abs(number - this.last - 1)
      counts.longestStall.ms = Math.max(counts.longestStall.ms, now - this.#heardAt)
    }
    this.last = number
    this.#heardAt = now
    this.emit('heard')
  }

  closed() {
    if (this.#isOver) return
    this.#counts.closed += 1
    this.connect()
  }

  async stop() {
    // A client that gets no more numbers must fail the demo, not keep it running.
    await once(this, 'heard', { signal: AbortSignal.timeout(30_000) })
    this.#isOver = true
    this.disconnect()
  }
}

/** Sends a number on a WebSocket every 50 ms, and gets it back. */
class Talker extends Client {
  #socket
  #timer

  connect() {
    this.#socket = new WebSocket(`ws://127.0.0.1:${this.port}`)
      .on('message', (message) => this.heard(Number(message)))
      .on('close', () => this.closed())
      // 'close' follows an error.
      .on('error', () => {})
    let next = 0
    this.#timer ??= setInterval(() => {
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(next)
      next += 1
    }, INTERVAL)
  }

  disconnect() {
    clearInterval(this.#timer)
    this.#socket.terminate()
  }
}

/** Reads the numbers of an event stream, as EventSource would: it sends the last one when it connects again. */
class Listener extends Client {
  #request

  connect() {
    const headers = this.last === undefined ? {} : { 'last-event-id': this.last }
    this.#request = get({ port: this.port, path: '/events', headers, agent: false }, (response) => {
      let rest = ''
      response.setEncoding('utf8').on('data', (text) => {
        const events = (rest + text).split('\n\n')
        rest = events.pop()
        for (const event of events) this.heard(Number(/^id: (\d+)/.exec(event)[1]))
      })
      response.on('error', () => {})
    })
      .on('close', () => this.closed())
      .on('error', () => {})
  }

  disconnect() {
    this.#request.destroy()
  }
}

/** Starts ten clients of WebSockets and ten of event streams. Resolves when each has got a number. */
export async function startLongLived(port) {
  const counts = { webSockets: new Counts(), eventStreams: new Counts() }
  const clients = Array.from({ length: EACH }).flatMap(() => [
    new Talker(port, counts.webSockets),
    new Listener(port, counts.eventStreams),
  ])
  for (const client of clients) client.connect()
  await Promise.all(clients.map((client) => once(client, 'heard')))
  return {
    async stop() {
      await Promise.all(clients.map((client) => client.stop()))
      return counts
    },
  }
}
