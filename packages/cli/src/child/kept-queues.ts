import { closeSync } from 'node:fs'

// Without a limit, a watcher that restarts a server again and again, and none of them receives, would use up the descriptors.
const MOST = 8

interface Kept {
  fds: readonly number[]
  /** The inodes of the sockets that its connections came from. */
  sockets: ReadonlySet<bigint>
}

/** Keeps queues with connections of a server that was replaced below its wrapper, until the next server can receive them. */
export class KeptQueues {
  #queues: readonly Kept[] = []

  /** Keeps a queue, and owns its descriptors from now on. Drops the oldest queue if there are too many. */
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
