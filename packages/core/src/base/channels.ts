import { channel } from 'node:diagnostics_channel'
import type { AnyServer, DrainResult } from './types.ts'

/** Published on `socket-port.listen` when a server listens. */
export interface ListenEvent {
  server: AnyServer
  source: 'inherited' | 'bound'
  /** The number and the name of the inherited fd. */
  fd?: number
  name?: string
}

/** Published on `socket-port.drain.start`. */
export interface DrainStartEvent {
  server: AnyServer
  connections: number
  quick: boolean
}

/** Published on `socket-port.drain.end`. */
export interface DrainEndEvent {
  server: AnyServer
  result: DrainResult
}

/** Published on `socket-port.receive` when a server has taken connections of the previous process. */
export interface ReceiveEvent {
  server: AnyServer
  /** All of them. */
  connections: number
  /** Those that this process continues. */
  webSockets: number
  eventStreams: number
  tunnels: number
}

const channels = {
  receive: channel('socket-port.receive'),
  listen: channel('socket-port.listen'),
  drainStart: channel('socket-port.drain.start'),
  drainEnd: channel('socket-port.drain.end'),
}

export const publish = {
  receive: (event: ReceiveEvent): void => channels.receive.publish(event),
  listen: (event: ListenEvent): void => channels.listen.publish(event),
  drainStart: (event: DrainStartEvent): void => channels.drainStart.publish(event),
  drainEnd: (event: DrainEndEvent): void => channels.drainEnd.publish(event),
}
