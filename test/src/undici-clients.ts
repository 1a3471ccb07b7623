import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { DelayedNetwork } from '@socket-port/testkit/delayed-network'
import { track } from '@socket-port/testkit/processes'
import { nodeBinary } from './nodes.ts'
import type { StrictClients } from './strict-clients.ts'

const CLIENT = fileURLToPath(new URL('../fixtures/undici-client.mjs', import.meta.url))

/** undici 8, the first version that goes on after GOAWAY, needs Node 22.19. */
export const UNDICI_NODE = 24

export interface UndiciOptions {
  port: number
  kind: 'http1' | 'h2c' | 'h2'
  /** TLS, with a certificate of this authority for `localhost`. */
  ca?: string
  /** Simulated network round trip in milliseconds. */
  rtt: number
}

export interface UndiciFailure {
  readonly id: string
  readonly code: string
  readonly message: string
}

interface Progress {
  readonly requests: number
  readonly failures?: readonly UndiciFailure[]
}

/** Ten loops of requests by undici, in a process of its own; `fetchNode(UNDICI_NODE)` must have run. It has been answered. */
export async function startUndici({
  port,
  kind,
  ca,
  rtt,
}: UndiciOptions): Promise<StrictClients<UndiciFailure>> {
  const network = await DelayedNetwork.open(port, rtt)
  const child = fork(CLIENT, {
    execPath: nodeBinary(UNDICI_NODE),
    env: { KIND: kind, PORT: String(network.port), ...(ca !== undefined && { CA: ca }) },
  })
  track(child)
  let last: Progress = { requests: 0 }
  child.on('message', (progress: Progress) => {
    last = progress
  })
  await once(child, 'message')
  return {
    async more(requests) {
      const until = last.requests + requests
      while (last.requests < until) await once(child, 'message')
    },
    async stop() {
      const ended = once(child, 'close')
      child.send('stop')
      await ended
      network.close()
      const { requests, failures } = last
      if (failures === undefined) throw new Error(`undici ended early, after ${requests} requests`)
      return { requests, failures }
    },
  }
}
