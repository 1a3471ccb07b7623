import { NestApplication } from '@nestjs/core'

/** What is used of an application that has gateways: fields of Nest 11 and 12 that its types do not show. */
interface Application {
  getHttpAdapter(): object
  /** There where `@nestjs/websockets` is installed. */
  socketModule?: { socketsContainer?: SocketsContainer } | null
  config?: { getIoAdapter?(): WebSocketAdapter | null | undefined }
}

interface SocketsContainer {
  getAll(): Map<string, { server?: GatewayServer | undefined }>
}

interface HttpAdapter {
  getHttpServer(): unknown
}

interface WebSocketAdapter {
  close(server: GatewayServer): unknown
}

/** A server of `ws` or of Socket.IO, or a namespace of the latter. */
interface GatewayServer {
  /** Of `ws`. */
  clients?: Iterable<{ close?(code: number): void }>
  readonly options?: { noServer?: boolean; server?: unknown }
  /** Of Socket.IO. */
  engine?: { opts?: { allowRequest?: unknown } }
  readonly httpServer?: unknown
  /** The server of a namespace. */
  readonly server?: GatewayServer
}

// 'Going away' (RFC 6455, 7.4.1).
const GOING_AWAY = 1001

const applications = new WeakMap<object, Application>()
let noting = false

/** Takes note of each application that starts: Nest does not tell its HTTP adapter which one it belongs to. */
export function noteApplications(): void {
  if (noting) return
  noting = true
  const prototype: { init(): unknown } = NestApplication.prototype
  const { init } = prototype
  prototype.init = function (this: Application) {
    applications.set(this.getHttpAdapter(), this)
    return init.call(this)
  }
}

/**
 * Closes the gateways that listen on ports of their own, as Nest does, with the code 1001 where they are of `ws`. Nest
 * itself does not close them again, and refuses new clients from now on. Core closes the WebSockets of all
 * others, which are connections of the server that it drains.
 */
export async function closeOtherGateways(httpAdapter: HttpAdapter): Promise<void> {
  const application = applications.get(httpAdapter)
  const gateways = application?.socketModule?.socketsContainer?.getAll()
  const adapter = application?.config?.getIoAdapter?.()
  if (gateways === undefined || !adapter) return
  const httpServer = httpAdapter.getHttpServer()
  const isOther = (server: GatewayServer): boolean => {
    const { httpServer: own, options } = server.server ?? server
    if (own !== undefined) return own !== httpServer
    // One of `ws` has none where Nest passes it the upgrades of the application.
    return options?.noServer !== true && options?.server !== httpServer
  }
  const others = [...gateways].filter(([, { server }]) => server && isOther(server))
  await Promise.all(
    others.map(async ([key, { server }]) => {
      // What is in the list Nest closes when the application closes, and the WsAdapter rejects a second close.
      gateways.delete(key)
      if (server === undefined) return
      dismiss(server)
      await adapter.close(server)
    }),
  )
}

function dismiss({ clients, engine }: GatewayServer): void {
  // Of Socket.IO `clients` is no list.
  if (clients !== undefined && Symbol.iterator in clients) {
    for (const client of clients) client.close?.(GOING_AWAY)
  }
  // A closed server of Socket.IO would still let clients in that poll, and their requests last 25 seconds.
  if (engine?.opts !== undefined) engine.opts.allowRequest = refuse
}

function refuse(_: unknown, answer: (error: string, allowed: boolean) => void): void {
  answer('the server is shutting down', false)
}
