import { relative } from 'node:path'
import { describeBar, holds } from './bar.ts'
import type { Benchmark } from './benchmark.ts'
import { frameworks } from './benchmarks/frameworks.ts'
import { handover } from './benchmarks/handover.ts'
import { listen } from './benchmarks/listen.ts'
import { longLived } from './benchmarks/long-lived.ts'
import { memory } from './benchmarks/memory.ts'
import { restart } from './benchmarks/restart.ts'
import { throughput } from './benchmarks/throughput.ts'
import { workers } from './benchmarks/workers.ts'
import { table } from './format.ts'
import { describeMachine, machineLine } from './machine.ts'
import { type CommandLine, readCommandLine } from './options.ts'
import { writeResults } from './results.ts'

const BENCHMARKS: readonly Benchmark[] = [
  throughput,
  frameworks,
  listen,
  memory,
  restart,
  handover,
  longLived,
  workers,
]

const { names, rounds, seconds, before } = commandLine()
const machine = describeMachine()
console.log(machineLine(machine))

let missed = 0
for (const benchmark of BENCHMARKS) {
  if (names.length > 0 && !names.includes(benchmark.name)) continue
  const options = { rounds: rounds ?? benchmark.rounds, seconds, before }
  console.log(`\n${benchmark.name}: ${benchmark.title}`)
  const findings = await benchmark.run(options)
  console.log(`\n${table(findings.table)}\n`)
  for (const note of findings.notes) console.log(note)
  for (const bar of findings.bars) console.log(describeBar(bar))
  missed += findings.bars.filter((bar) => !holds(bar)).length
  console.log(
    `written to ${relative('', writeResults(benchmark.name, machine, options, findings))}`,
  )
}
if (missed > 0) {
  console.error(`\n${missed} ${missed === 1 ? 'bar was' : 'bars were'} missed`)
  process.exitCode = 1
}

function commandLine(): CommandLine {
  const known = BENCHMARKS.map(({ name }) => name)
  try {
    return readCommandLine(process.argv.slice(2), known)
  } catch (error) {
    console.error(
      `${(error as Error).message}\nUsage: bench [${known.join(' | ')}] [--rounds N] [--seconds S] [--before DIR]`,
    )
    process.exit(2)
  }
}
