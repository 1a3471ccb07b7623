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

/** Published once on `socket-port.ready`, when every server of the process that was starting listens, or could not. */
export interface ReadyEvent {
  /** From the start of the process, in milliseconds. */
  duration: number
}

/** Published on `socket-port.reload` when all hooks of `onReload` have run. */
export interface ReloadEvent {
  ok: boolean
  /** How many hooks have failed. */
  failed: number
  /** In milliseconds. */
  duration: number
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
  ready: channel('socket-port.ready'),
  reload: channel('socket-port.reload'),
  drainStart: channel('socket-port.drain.start'),
  drainEnd: channel('socket-port.drain.end'),
}

export const publish = {
  receive: (event: ReceiveEvent): void => channels.receive.publish(event),
  listen: (event: ListenEvent): void => channels.listen.publish(event),
  ready: (event: ReadyEvent): void => channels.ready.publish(event),
  reload: (event: ReloadEvent): void => channels.reload.publish(event),
  drainStart: (event: DrainStartEvent): void => channels.drainStart.publish(event),
  drainEnd: (event: DrainEndEvent): void => channels.drainEnd.publish(event),
}
