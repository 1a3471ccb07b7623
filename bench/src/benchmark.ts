import type { Bar } from './bar.ts'

export interface BenchmarkOptions {
  /** How often every variant is measured. */
  rounds: number
  /** How long the servers of one round are loaded, in a benchmark that loads servers. */
  seconds: number
  /** A built copy of core to compare with: the path of its folder `dist`. Not every benchmark uses it. */
  before?: string | undefined
}

export interface Benchmark {
  readonly name: string
  /** Says in one line above the table what is measured. */
  readonly title: string
  /** How often every variant is measured, unless the command line says otherwise. */
  readonly rounds: number
  run(options: BenchmarkOptions): Promise<Findings>
}

export interface Findings {
  /** Rows of cells; the first is the heading. */
  readonly table: readonly (readonly string[])[]
  readonly bars: readonly Bar[]
  /** What else a reader must know, one line each. */
  readonly notes: readonly string[]
  /** Every sample, for the file of results. */
  readonly samples: unknown
}
