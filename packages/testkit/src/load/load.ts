import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { end, track } from '../processes.ts'
import { type LoadOptions, resolveOptions } from './options.ts'
import type { LoadCounts, LoadResult } from './result.ts'
import type { Answer, Call, Question } from './worker.ts'

/** A load that runs in a process of its own. */
export interface Load {
  readonly pid: number
  /** Resolves when at least that many more requests have ended. */
  moreRequests(requests: number): Promise<void>
  /** Resolves when every client has ended at least one more request. */
  oneRequestEach(): Promise<void>
  /** Opens again the idle connections that were closed. */
  openIdle(): Promise<void>
  /** Counts the requests that have ended since the last call, or since the start. */
  countsSinceLast(): Promise<LoadCounts>
  /** The result so far. */
  snapshot(): Promise<LoadResult>
  /** Lets the requests in flight finish, for at most `stopTimeout`, and returns the result. */
  stop(): Promise<LoadResult>
  /** Ends the load at once, if it still runs. */
  dispose(): Promise<void>
}

const WORKER = new URL('./worker.js', import.meta.url)

/** Starts a load. Resolves when its idle connections are open and its clients have started. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const worker = new Worker()
  await worker.ask({ name: 'start', plan: resolveOptions(options) })
  return {
    pid: worker.child.pid ?? -1,
    moreRequests: (requests) => worker.ask({ name: 'moreRequests', requests }) as Promise<void>,
    oneRequestEach: () => worker.ask({ name: 'oneRequestEach' }) as Promise<void>,
    openIdle: () => worker.ask({ name: 'openIdle' }) as Promise<void>,
    countsSinceLast: () => worker.ask({ name: 'countsSinceLast' }) as Promise<LoadCounts>,
    snapshot: () => worker.ask({ name: 'snapshot' }) as Promise<LoadResult>,
    async stop() {
      const result = (await worker.ask({ name: 'stop' })) as LoadResult
      await worker.closed
      return result
    },
    dispose: () => end(worker.child),
  }
}

/** Sends calls to the process of the load. When that process ends, each pending call fails. */
class Worker {
  readonly child: ChildProcess
  /** Resolves when the process has ended: it exits by itself after it has answered `stop`. */
  readonly closed: Promise<void>
  readonly #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #asked = 0
  #gone = false

  constructor() {
    this.child = fork(fileURLToPath(WORKER), { serialization: 'advanced', detached: true })
    track(this.child)
    this.child.on('message', ({ id, value }: Answer) => {
      this.#open.get(id)?.resolve(value)
      this.#open.delete(id)
    })
    this.closed = new Promise((resolve) => {
      this.child.once('close', () => {
        this.#gone = true
        for (const question of this.#open.values()) question.reject(this.#lost())
        resolve()
      })
    })
  }

  ask(call: Call): Promise<unknown> {
    if (this.#gone || !this.child.connected) return Promise.reject(this.#lost())
    this.#asked += 1
    const question: Question = { id: this.#asked, call }
    return new Promise((resolve, reject) => {
      this.#open.set(question.id, { resolve, reject })
      this.child.send(question)
    })
  }

  #lost(): Error {
    const { exitCode, signalCode } = this.child
    return new Error(`the load's process is gone (${signalCode ?? `code ${exitCode}`})`)
  }
}
