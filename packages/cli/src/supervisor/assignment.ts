import type { Readiness } from './readiness.ts'

/** The generation and the worker number of a process; both count from 1. */
export interface Place {
  generation: number
  worker: number
}

/** The rules that every process is held to; times in milliseconds. */
export interface WorkerRules {
  /** The program's name in messages. */
  program: string
  ready: Readiness
  readyTimeout: number
  settle: number
  drainTimeout: number
  /** `undefined` for none. */
  watchdog: number | undefined
}
