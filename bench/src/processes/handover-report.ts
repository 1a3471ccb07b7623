import type { Took } from './stopwatch.ts'

/** What `handover-server` tells of itself, a line each. */
export type HandoverLine = ReadyLine | AdoptedLine | DrainedLine

export interface ReadyLine {
  readonly ready: true
}

/** It has taken the connections of the process before. */
export interface AdoptedLine {
  readonly adopted: number
  /** From `listening` to the last connection. */
  readonly took: Took
}

/** It is about to exit. */
export interface DrainedLine {
  readonly handedOver: number
  /** From SIGTERM, as this process heard it, until the manager had the line. */
  readonly line: Took
  /** From there until the last connection had been sent and closed. */
  readonly sending: Took
}
