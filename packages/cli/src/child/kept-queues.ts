import { closeSync } from 'node:fs'

// A watcher that restarts its server again and again, and no server that ever receives.
const MOST = 8

/** Queues with connections of a server that was replaced below its wrapper, until the next one can receive them. */
export class KeptQueues {
  readonly #queues: (readonly number[])[] = []

  /** Takes the descriptors over. Drops the oldest queue where there are too many. */
  add(fds: readonly number[]): void {
    this.#queues.push(fds)
    if (this.#queues.length > MOST) this.#queues.shift()?.forEach(close)
  }

  /** Passes each queue on, and closes its descriptors here. Without `pass` its connections are closed. */
  empty(pass: (fds: readonly number[]) => unknown = () => {}): void {
    for (const fds of this.#queues.splice(0)) {
      pass(fds)
      fds.forEach(close)
    }
  }
}

const close = (fd: number): void => closeSync(fd)
