import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DelayedNetwork } from '@socket-port/testkit/delayed-network'
import { track } from '@socket-port/testkit/processes'
import type { StrictClients } from './strict-clients.ts'

export interface H2loadOptions {
  port: number
  kind: 'http1' | 'h2c' | 'h2'
  /** Simulated network round trip in milliseconds. */
  rtt: number
  /** Requests of all clients together. */
  total: number
}

/** What h2load counts: requests that it has sent, and those that were answered with a status of 2xx in full. */
export interface H2loadCounts {
  readonly total: number
  readonly started: number
  readonly succeeded: number
}

const COUNTS = /^requests: (\d+) total, (\d+) started, \d+ done, (\d+) succeeded/m

/**
 * h2load of nghttp2 with ten connections, four requests at a time on each with HTTP/2. A tenth of its requests has been
 * answered. It opens no new session after a GOAWAY: it sends nothing more, and ends when its last session has.
 */
async function startH2load({ port, kind, rtt, total }: H2loadOptions): Promise<{
  /** Resolves when it has ended. */
  ended(): Promise<H2loadCounts>
}> {
  const network = await DelayedNetwork.open(port, rtt)
  const protocol = kind === 'http1' ? ['--h1', '-m', '1'] : ['-m', '4']
  const url = `${kind === 'h2' ? 'https' : 'http'}://127.0.0.1:${network.port}/`
  const child = spawn('h2load', [...protocol, '-c', '10', '-n', String(total), url], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  track(child)
  const closed = once(child, 'close')
  let output = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.includes('progress: 10% done')) resolve()
    })
    closed.then(() => reject(new Error(`h2load has ended: ${output}`)), reject)
  })
  return {
    async ended() {
      await closed
      network.close()
      const counts = COUNTS.exec(output)
      if (counts === null) throw new Error(`h2load has counted nothing: ${output}`)
      const [all, started, succeeded] = counts.slice(1).map(Number) as [number, number, number]
      return { total: all, started, succeeded }
    },
  }
}

/** One h2load as strict clients. `counts()` tells what it has counted, once they have stopped. */
export function h2loadClients(options: Omit<H2loadOptions, 'port'>): {
  start(port: number): Promise<StrictClients<never>>
  counts(): H2loadCounts
} {
  let counted: H2loadCounts | undefined
  return {
    async start(port) {
      const { ended } = await startH2load({ port, ...options })
      return {
        more: () => Promise.reject(new Error('h2load does not tell how many requests have ended')),
        async stop() {
          counted = await ended()
          return { requests: counted.started, failures: [] }
        },
      }
    },
    counts() {
      if (counted === undefined) throw new Error('h2load has not ended')
      return counted
    },
  }
}
