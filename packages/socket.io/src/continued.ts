import { reportRefusal } from '@socket-port/core/adapter'
import { SERVICE_RESTART } from '@socket-port/ws/protocol'
import type { Carried, CarriedSocket } from './carried.ts'
import { CONNECT, type Connection, type Engine, type Io, type Transport } from './internals.ts'

/**
 * A connection of the previous process that the program of this one is about to accept: it joins its namespaces again, as a
 * client that has just connected. Messages of the client wait meanwhile, until the program has listeners for them.
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

  /** The state that the client had in the namespace. */
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
    // Send a ping now: the client counts the time since the last one of the previous process.
    connection.sendPacket('ping')
    this.#timer = setTimeout(
      () => this.refuse('a middleware has not called next'),
      this.#io._connectTimeout,
    ).unref()
    this.#join(connection)
    if (this.#expected.size === 0) this.#connected()
  }

  /** Call it when the program has accepted the client in the namespace, before 'connection' is emitted. */
  connected(namespace: string): void {
    if (!this.#expected.delete(namespace) || this.#expected.size > 0) return
    // Wait until the listeners of 'connection' have run, and the connections that came at the same time can get its broadcasts.
    setImmediate(() => this.#connected())
  }

  /**
   * Closes the connection, because the program does not accept the client; the client then connects again. Equal reasons are
   * counted, so `reason` must not name this one client.
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

/** Leaves out the fields of connection state recovery, because the client has missed nothing. */
function connectPacket(nsp: string, { pid: _, offset: __, ...data }: Record<string, unknown>) {
  return { type: CONNECT, nsp, data }
}

/** Drops the packets that engine.io sends to a client that has just connected. */
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
    // Emit what the transport emits when it has sent packets, because engine.io counts them.
    process.nextTick(() => {
      transport.emit('drain')
      transport.emit('ready')
    })
  }
  transport.send = muted
}
