import { ChildChannel, type Notification, type PeerProcess } from '@socket-port/core/supervisor'
import type { Joined } from '../supervisor/child.ts'

// Milliseconds between two checks whether a process has ended, after its channel has hung up.
const LOOK_EVERY = 20

export interface ServersOptions {
  /** Called with notifications through the channel of a server. */
  notified(message: Notification): void
  /** Called before a server counts as ended, so that its last notifications can be read. */
  ending(): void
  ended(pid: number): void
}

interface Server {
  process: PeerProcess
  channel: ChildChannel
}

/** The processes below a started one, such as npm, that have asked for a socket and serve. The newest is the last. */
export class Servers {
  readonly #options: ServersOptions
  #list: readonly Server[] = []
  #waiting: (() => void)[] = []

  constructor(options: ServersOptions) {
    this.#options = options
  }

  get pids(): number[] {
    return this.#list.map(({ process }) => process.pid)
  }

  /** Opens a channel for the process. Returns the descriptors to pass to it. */
  add(process: PeerProcess): Joined {
    const channel = new ChildChannel(this.#options.notified)
    const { fds } = channel
    const server = { process, channel }
    this.#list = [...this.#list, server]
    // The kernel closes the channel when the process ends, even though the process is no child of this one.
    channel.onHangUp(() => this.#whenEnded(server))
    return { fds, passed: () => channel.started() }
  }

  /** Sends the signal to each running server. Returns false if there is none. */
  signal(signal: NodeJS.Signals): boolean {
    const running = this.#list.filter(({ process }) => process.isRunning)
    for (const { process } of running) process.signal(signal)
    return running.length > 0
  }

  /** The channel of the server with this pid. */
  channelOf(pid: number): ChildChannel | undefined {
    return this.#list.find(({ process }) => process.pid === pid)?.channel
  }

  tellNext(): void {
    for (const { channel } of this.#list) channel.tellNext()
  }

  /** Resolves when no server is left. */
  async allEnded(): Promise<void> {
    while (this.#list.length > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  // The kernel closes the descriptors of a process a moment before it has ended.
  #whenEnded(server: Server): void {
    if (server.process.isRunning) {
      setTimeout(() => this.#whenEnded(server), LOOK_EVERY)
      return
    }
    const { process, channel } = server
    // Read its last notifications before its channel is closed.
    channel.readNow()
    this.#options.ending()
    this.#list = this.#list.filter((other) => other !== server)
    channel.close()
    process.close()
    this.#options.ended(process.pid)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
