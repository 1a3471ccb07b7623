import { readdirSync, readFileSync } from 'node:fs'

/** The children of a process (proc(5)): those that its main thread has started, as all are in Node. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .map(Number)
    .filter(Boolean)
}

/** The resident memory of a process, in bytes. */
export function residentMemory(pid: number): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

/** The CPU time of the threads of a process, in seconds. Threads that have ended are not counted. */
export function cpuTime(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const nanoseconds = threads.map((thread) => {
    const [time] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')
    return Number(time)
  })
  return nanoseconds.reduce((sum, time) => sum + time, 0) / 1e9
}
