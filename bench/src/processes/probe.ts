import { setImmediate } from 'node:timers/promises'

export type ServerQuestion = 'usage' | 'memory'

/** What a server process reports about itself; times in microseconds, sizes in bytes. */
export interface ServerAnswer {
  readonly port: number
  readonly requests: number
  readonly cpu: number
  readonly clock: number
  readonly heap: number
  readonly rss: number
}

/** Reports to the parent process, now and whenever it asks. */
export function tell(port: number, requests: () => number): void {
  const send = (): void => {
    const { user, system } = process.cpuUsage()
    const { heapUsed, external, rss } = process.memoryUsage()
    // Read all at the same time: they are divided by each other.
    const answer: ServerAnswer = {
      port,
      requests: requests(),
      cpu: user + system,
      clock: performance.now() * 1000,
      heap: heapUsed + external,
      rss,
    }
    process.send?.(answer)
  }
  process.on('message', async (question: ServerQuestion) => {
    if (question === 'memory') await collect()
    send()
  })
  process.on('disconnect', () => process.exit())
  send()
}

// Collects several times: objects that finalizers and weak references release are collected only the next time.
async function collect(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('memory needs --expose-gc')
  for (let times = 0; times < 4; times += 1) {
    globalThis.gc()
    await setImmediate()
  }
}
