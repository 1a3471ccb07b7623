/** The result of `listen-sample`; times in milliseconds, sizes in bytes. */
export interface ListenReading {
  /** The import of core; next to nothing if it is not imported. */
  readonly import: number
  /** The CPU time of the import, all threads. */
  readonly importCpu: number
  /** From the call that listens to `listening`. */
  readonly call: number
  /** The CPU time of the call, all threads. */
  readonly callCpu: number
  /** From the start of the process to `listening`. */
  readonly whole: number
  /** CPU time that the process has used by then, all threads. */
  readonly cpu: number
  readonly rss: number
  /** Libraries and native add-ons that are loaded. */
  readonly sharedObjects: readonly string[]
}
