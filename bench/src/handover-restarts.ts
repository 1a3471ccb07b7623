import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type Generation,
  now,
  openListener,
  type PassedSocket,
  startGeneration,
} from '@socket-port/testkit'
import { startChild } from './child.ts'
import type { Environment } from './older-build.ts'
import type {
  ConnectionKind,
  ConnectionsAnswer,
  ConnectionsQuestion,
} from './processes/connections.ts'
import type { DrainedLine, ReceivedLine } from './processes/handover-report.ts'
import type { Took } from './processes/stopwatch.ts'
import { openStore } from './store.ts'

export const SERVER: string = fileURLToPath(
  new URL('./processes/handover-server.js', import.meta.url),
)

/** One restart. */
export interface HandedOver {
  /** From SIGTERM to the end of the old process, by the clock of its manager, in milliseconds. */
  readonly exit: number
  readonly queue: Took
  readonly sending: Took
  readonly receiving: Took
  /** The largest memory of the old process, in MiB. */
  readonly memory: number
}

/** A server with clients that stay connected, and a manager that keeps the queue between two processes. */
export interface Restarts {
  /** Replaces the process by the next one, which then serves every connection. */
  restart(): Promise<HandedOver>
  end(): Promise<void>
}

/** Starts the first process, and opens `count` connections to it. */
export async function startRestarts(
  count: number,
  env: Environment,
  kind: ConnectionKind = 'http',
): Promise<Restarts> {
  const [client] = await startChild<ConnectionsQuestion, ConnectionsAnswer>('connections')
  const listener = openListener()
  const store = openStore()
  const start = (...sockets: PassedSocket[]): Generation =>
    startGeneration({
      script: SERVER,
      args: [String(listener.port)],
      sockets: [{ fd: listener.fd, name: 'app' }, ...sockets],
      env: { NOTIFY_SOCKET: store.address, ...env },
    })
  let current = start()
  const end = async (): Promise<void> => {
    await current.dispose()
    await store.close()
    listener.close()
    await client.end()
  }
  try {
    await current.ready()
    await client.ask({ name: 'open', port: listener.port, count, kind })
  } catch (error) {
    await end()
    throw error
  }
  return {
    end,
    async restart() {
      const left = await leave(current)
      const queue = store.take()
      current = start(queue)
      closeSync(queue.fd)
      const { received, took } = await tells<ReceivedLine>(current, /^\{"pid":\d+,"received".*\}/m)
      const { open } = await client.ask({ name: 'ask' })
      checkAll(count, left.handedOver, received, open)
      const { exit, queue: kept, sending, memory } = left
      return { exit, queue: kept, sending, receiving: took, memory }
    },
  }
}

export function checkAll(count: number, handedOver: number, received: number, open: number): void {
  if (handedOver === count && received === count && open === count) return
  throw new Error(
    `${handedOver} of ${count} were handed over, ${received} received, ${open} are open`,
  )
}

async function leave(old: Generation): Promise<DrainedLine & { readonly exit: number }> {
  const signalled = now()
  old.signal('SIGTERM')
  const { code, at } = await old.exit
  if (code !== 0 || old.stderr !== '') throw new Error(`ended with ${code}: ${old.stderr}`)
  return {
    ...(await tells<DrainedLine>(old, /^\{"pid":\d+,"handedOver".*\}/m)),
    exit: at - signalled,
  }
}

async function tells<T>(generation: Generation, line: RegExp): Promise<T> {
  const [text] = await generation.printed(line)
  return JSON.parse(text) as T
}
