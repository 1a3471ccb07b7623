import type { Server } from 'node:http'
import { NestApplication } from '@nestjs/core'

/** The fields of an application with gateways that are used here. The types of Nest 11 and 12 do not show them. */
interface Application {
  getHttpAdapter(): object
  /** Set if `@nestjs/websockets` is installed. */
  socketModule?: { socketsContainer?: SocketsContainer } | null
  config?: { getIoAdapter?(): WebSocketAdapter | null | undefined }
  registerWsModule(): unknown
}

interface SocketsContainer {
  addOne(place: { port: number }, gateway: { server?: GatewayServer | undefined }): void
}

interface WebSocketAdapter {
  /** Only the WsAdapter has it: the servers of gateways with a path on a port of their own. */
  httpServersRegistry?: Map<number, Server>
}

/** A server of `ws` or of Socket.IO, or a namespace of the latter. */
interface GatewayServer {
  /** Set on a server of Socket.IO. */
  readonly httpServer?: Server
  /** Set on a namespace: its server. */
  readonly server?: GatewayServer
  /** Set on a server of `ws` with a port. */
  readonly _server?: Server
}

const listeners = new WeakMap<object, (server: Server) => void>()
let isPatched = false

/**
 * Calls `listener` with the HTTP server of each gateway of the adapter's application, as soon as Nest has created it and
 * before it has a connection.
 */
export function watchGateways(httpAdapter: object, listener: (server: Server) => void): void {
  listeners.set(httpAdapter, listener)
  if (isPatched) return
  isPatched = true
  const prototype = NestApplication.prototype as unknown as Application
  const { registerWsModule } = prototype
  prototype.registerWsModule = function (this: Application) {
    const listener = listeners.get(this.getHttpAdapter())
    if (listener !== undefined) watchApplication(this, listener)
    return registerWsModule.call(this)
  }
}

function watchApplication(application: Application, listener: (server: Server) => void): void {
  const sockets = application.socketModule?.socketsContainer
  if (sockets === undefined) return
  const { addOne } = sockets
  sockets.addOne = (place, gateway) => {
    addOne.call(sockets, place, gateway)
    const adapter = application.config?.getIoAdapter?.()
    const server = httpServerOf(gateway.server) ?? adapter?.httpServersRegistry?.get(place.port)
    if (server !== undefined) listener(server)
  }
}

const httpServerOf = (gateway: GatewayServer | undefined): Server | undefined => {
  const { httpServer, _server } = gateway?.server ?? gateway ?? {}
  return httpServer ?? _server
}
