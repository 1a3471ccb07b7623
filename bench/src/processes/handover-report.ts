import type { Took } from './stopwatch.ts'

/** The lines that `handover-server` prints. Times are milliseconds of `now()`. */
export type HandoverLine = ReadyLine | ReceivedLine | DrainedLine | GoneLine

export interface ReadyLine {
  readonly ready: true
}

/** It has received connections of the previous process. */
export interface ReceivedLine {
  readonly pid: number
  /** The number so far. */
  readonly received: number
  /** From `listening` to the last connection. */
  readonly took: Took
  readonly at: number
}

/** It is about to exit. */
export interface DrainedLine {
  readonly pid: number
  readonly handedOver: number
  /** The largest memory of the process, in MiB. */
  readonly memory: number
  /** When it got SIGTERM. */
  readonly heard: number
  /** From SIGTERM, by the clock of this process, until the manager had the queue. */
  readonly queue: Took
  /** From there until the last connection had been sent and closed. */
  readonly sending: Took
}

/** The last of its JavaScript has run. */
export interface GoneLine {
  readonly pid: number
  readonly gone: number
}
