// CLOCK_MONOTONIC: unlike `performance.now()` it has one origin for all processes of a machine.
const origin = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** Milliseconds on a clock that every process of this machine shares. */
export function now(): number {
  return origin + performance.now()
}
