import { closeSync } from 'node:fs'

// A watcher that restarts its server again and again, and no server that ever receives.
const MOST = 8

interface Kept {
  fds: readonly number[]
  /** The inodes of the sockets that its connections came from. */
  sockets: ReadonlySet<bigint>
}

/** Queues with connections of a server that was replaced below its wrapper, until the next one can receive them. */
export class KeptQueues {
  #queues: readonly Kept[] = []

  /** Takes the descriptors over. Drops the oldest queue where there are too many. */
  add(fds: readonly number[], sockets: ReadonlySet<bigint>): void {
    const queues = [...this.#queues, { fds, sockets }]
    this.#queues = queues.slice(-MOST)
    queues.slice(0, -MOST).forEach(close)
  }

  /** Passes on each queue that has one of the sockets, and closes its descriptors here. */
  pass(sockets: ReadonlySet<bigint>, pass: (fds: readonly number[]) => unknown): void {
    const fits = (queue: Kept): boolean => [...queue.sockets].some((one) => sockets.has(one))
    const fitting = this.#queues.filter(fits)
    this.#queues = this.#queues.filter((queue) => !fits(queue))
    for (const { fds } of fitting) pass(fds)
    fitting.forEach(close)
  }

  /** Closes all, and with them their connections. */
  drop(): void {
    this.#queues.forEach(close)
    this.#queues = []
  }
}

const close = ({ fds }: Kept): void => {
  for (const fd of fds) closeSync(fd)
}
