import type { Server } from 'node:http'
import { NestApplication } from '@nestjs/core'

/** What is used of an application that has gateways: fields of Nest 11 and 12 that its types do not show. */
interface Application {
  getHttpAdapter(): object
  /** There where `@nestjs/websockets` is installed. */
  socketModule?: { socketsContainer?: SocketsContainer } | null
  config?: { getIoAdapter?(): WebSocketAdapter | null | undefined }
  registerWsModule(): unknown
}

interface SocketsContainer {
  addOne(place: { port: number }, gateway: { server?: GatewayServer | undefined }): void
}

interface WebSocketAdapter {
  /** Of the WsAdapter: the servers of gateways with a path on a port of their own. */
  httpServersRegistry?: Map<number, Server>
}

/** A server of `ws` or of Socket.IO, or a namespace of the latter. */
interface GatewayServer {
  /** Of Socket.IO. */
  readonly httpServer?: Server
  /** The server of a namespace. */
  readonly server?: GatewayServer
  /** Of `ws` with a port. */
  readonly _server?: Server
}

const listeners = new WeakMap<object, (server: Server) => void>()
let hearing = false

/**
 * Calls `listener` with the HTTP server of each gateway of the adapter's application, as soon as Nest has made it: before it
 * has a connection.
 */
export function hearGateways(httpAdapter: object, listener: (server: Server) => void): void {
  listeners.set(httpAdapter, listener)
  if (hearing) return
  hearing = true
  const prototype = NestApplication.prototype as unknown as Application
  const { registerWsModule } = prototype
  prototype.registerWsModule = function (this: Application) {
    const told = listeners.get(this.getHttpAdapter())
    if (told !== undefined) hearApplication(this, told)
    return registerWsModule.call(this)
  }
}

function hearApplication(application: Application, listener: (server: Server) => void): void {
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
