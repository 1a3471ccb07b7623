/** The output of `socket-port status --json`. Times are in milliseconds, dates in ISO 8601. */
export interface Status {
  name: string
  pid: number
  version: string
  state: 'starting' | 'running' | 'reloading' | 'stopping'
  command: readonly string[]
  startedAt: string
  uptime: number
  sockets: readonly SocketStatus[]
  /** The newest first. */
  generations: readonly GenerationStatus[]
  reloads: { succeeded: number; failed: number; last: ReloadStatus | null }
  /**
   * Connections that went from one process to the next since the start. Of those that were handed over, how many were
   * WebSockets, event streams and tunnels; the others were idle.
   */
  connections: {
    handedOver: number
    received: number
    webSockets: number
    eventStreams: number
    tunnels: number
    /** Those that a process had to cut in its drain. */
    cut: number
  }
  /** Processes that were started because the previous one had crashed. */
  restarts: number
  /** Names of descriptors that processes have stored here (FDSTORE=1). */
  stored: readonly string[]
}

export interface SocketStatus {
  name: string
  /** `[::]:8080`, `unix:/run/app.sock` */
  address: string
  inherited: boolean
  /**
   * Why no client reaches the socket, although it listens: the path of a unix socket was removed, or another
   * file has replaced it.
   */
  problem: 'path-gone' | 'path-replaced' | null
}

export interface GenerationStatus {
  number: number
  workers: readonly WorkerStatus[]
}

export interface WorkerStatus {
  /** From 1. */
  worker: number
  pid: number
  state: 'starting' | 'ready' | 'draining'
  startedAt: string
  uptime: number
  /** Milliseconds from start to ready; null until then. */
  readyAfter: number | null
  /** The last `STATUS=` of the process. A draining process of core reports its open connections in it. */
  status: string | null
  /** Connections that it received from the previous process, and handed over to the next one. */
  received: number
  handedOver: number
}

export interface ReloadStatus {
  at: string
  ok: boolean
  /** Why it failed. */
  reason: string | null
}
