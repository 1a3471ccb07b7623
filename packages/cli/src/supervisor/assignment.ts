import type { Readiness } from './readiness.ts'

/** Which process of which generation; both from 1. */
export interface Place {
  generation: number
  worker: number
}

/** What is asked of each process; times in milliseconds. */
export interface WorkerRules {
  /** As messages call it. */
  program: string
  ready: Readiness
  readyTimeout: number
  settle: number
  drainTimeout: number
  /** `undefined` for none. */
  watchdog: number | undefined
}
