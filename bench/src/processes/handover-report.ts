import type { Took } from './stopwatch.ts'

/** What `handover-server` tells of itself, a line each; moments are those of `now()`. */
export type HandoverLine = ReadyLine | ReceivedLine | DrainedLine | GoneLine

export interface ReadyLine {
  readonly ready: true
}

/** It has received connections of the process before. */
export interface ReceivedLine {
  readonly pid: number
  /** So far. */
  readonly received: number
  /** From `listening` to the last connection. */
  readonly took: Took
  readonly at: number
}

/** It is about to exit. */
export interface DrainedLine {
  readonly pid: number
  readonly handedOver: number
  /** The most memory that it has had, in MiB. */
  readonly memory: number
  /** When it heard SIGTERM. */
  readonly heard: number
  /** From SIGTERM, as this process heard it, until the manager had the queue. */
  readonly queue: Took
  /** From there until the last connection had been sent and closed. */
  readonly sending: Took
}

/** The last of its JavaScript has run. */
export interface GoneLine {
  readonly pid: number
  readonly gone: number
}
