import { reportRefusal } from '@socket-port/core/adapter'
import type { Carried, CarriedSocket } from './carried.ts'
import { CONNECT, type Connection, type Engine, type Io, type Transport } from './internals.ts'

/** The code "Service Restart" (IANA, WebSocket Close Code Number Registry). */
const SERVICE_RESTART = 1012

/**
 * A connection of the previous process on its way into the program of this one: it joins its namespaces again, as a
 * client that has just connected. What the client sends meanwhile waits until the program has listeners for it.
 */
export class Continued {
  readonly carried: Carried
  readonly #io: Io
  #connection: Connection | undefined
  /** Namespaces for which the program has not decided yet. */
  readonly #expected: Map<string, CarriedSocket>
  readonly #held: unknown[] = []
  #state: 'connecting' | 'connected' | 'refused' = 'connecting'
  #timer: NodeJS.Timeout | undefined
  #release: () => void = () => {}

  constructor(io: Io, carried: Carried) {
    this.#io = io
    this.carried = carried
    this.#expected = new Map(carried.sockets.map((socket) => [socket.namespace, socket]))
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting'
  }

  expects(namespace: string): boolean {
    return this.isConnecting && this.#expected.has(namespace)
  }

  /** What the client had in the namespace. */
  take(namespace: string): CarriedSocket | undefined {
    return this.isConnecting ? this.#expected.get(namespace) : undefined
  }

  /** Call it when socket.io knows the connection. */
  begin(connection: Connection, { opts: { pingInterval } }: Engine): void {
    this.#connection = connection
    const { ping } = this.carried
    const patience = ping.interval + ping.timeout
    if (pingInterval >= patience) {
      this.refuse(`it pings every ${pingInterval} ms, and the client waits for ${patience} ms`)
      return
    }
    // The client waits for the next one since the last that the previous process has sent.
    connection.sendPacket('ping')
    this.#timer = setTimeout(
      () => this.refuse('a middleware has not called next'),
      this.#io._connectTimeout,
    ).unref()
    this.#join(connection)
    if (this.#expected.size === 0) this.#connected()
  }

  /** The program has accepted the client in the namespace, and is about to hear 'connection'. */
  connected(namespace: string): void {
    if (!this.#expected.delete(namespace) || this.#expected.size > 0) return
    // After the listeners of 'connection' have run, and when the others that came along are there to hear its broadcasts.
    setImmediate(() => this.#connected())
  }

  /**
   * The program does not take the client: its connection closes, and the client connects anew. `reason` is counted, so it
   * names nothing that is another one for each client.
   */
  refuse(reason: string): void {
    if (!this.isConnecting) return
    this.#end('refused')
    const connection = this.#connection
    if (connection === undefined) return
    reportRefusal(connection.request, reason)
    connection.transport.socket?.close(SERVICE_RESTART)
    connection.close(true)
  }

  #join(connection: Connection): void {
    const listeners = connection.listeners('data')
    connection.removeAllListeners('data')
    const hold = (data: unknown): void => void this.#held.push(data)
    connection.on('data', hold)
    this.#release = () => {
      connection.off('data', hold)
      if (connection.readyState !== 'open') return
      for (const listener of listeners) connection.on('data', listener as () => void)
      for (const data of this.#held.splice(0)) connection.emit('data', data)
    }
    connection.once('close', () => this.#end('refused'))
    for (const { namespace, auth } of this.#expected.values()) {
      for (const packet of this.#io.encoder.encode(connectPacket(namespace, auth))) {
        if (!this.isConnecting) return
        for (const listener of listeners) Reflect.apply(listener, connection, [packet])
      }
    }
  }

  #connected(): void {
    if (!this.isConnecting) return
    this.#end('connected')
    this.#release()
  }

  #end(state: 'connected' | 'refused'): void {
    if (!this.isConnecting) return
    this.#state = state
    clearTimeout(this.#timer)
  }
}

/** Without the words of connection state recovery: the client has missed nothing. */
function connectPacket(nsp: string, { pid: _, offset: __, ...data }: Record<string, unknown>) {
  return { type: CONNECT, nsp, data }
}

/** Swallows what engine.io tells a client that has just connected. */
export function muteOpen(transport: Transport, { opts: { initialPacket } }: Engine): void {
  const { send } = transport
  const known = [
    { type: 'open' },
    ...(initialPacket ? [{ type: 'message', data: initialPacket }] : []),
  ]
  const muted: Transport['send'] = (packets) => {
    const unknown = packets.filter(({ type, data }) => {
      const [next] = known
      const isKnown = next?.type === type && (!('data' in next) || next.data === data)
      if (isKnown) known.shift()
      return !isKnown
    })
    if (known.length === 0 && transport.send === muted) transport.send = send
    if (unknown.length > 0) return send.call(transport, unknown)
    // As the transport says it when it has sent them: engine.io counts.
    process.nextTick(() => {
      transport.emit('drain')
      transport.emit('ready')
    })
  }
  transport.send = muted
}
