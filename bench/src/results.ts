import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { holds } from './bar.ts'
import type { BenchmarkOptions, Findings } from './benchmark.ts'
import type { Machine } from './machine.ts'

const FOLDER = new URL('../results/', import.meta.url)

/** Writes all findings to `results/<name>.json`; returns the path. */
export function writeResults(
  name: string,
  machine: Machine,
  options: BenchmarkOptions,
  { table, bars, samples }: Findings,
): string {
  mkdirSync(FOLDER, { recursive: true })
  const path = fileURLToPath(new URL(`${name}.json`, FOLDER))
  const judged = bars.map((bar) => ({ ...bar, holds: holds(bar) }))
  const results = { name, at: new Date(), machine, options, bars: judged, table, samples }
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`)
  return path
}
