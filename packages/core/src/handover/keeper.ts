import { closeSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { Gate } from '../drain/gate.ts'
import type { Keeper } from '../drain/hand-over.ts'
import type { AnyServer, Logger } from '../types.ts'
import { adoption } from './adoption.ts'
import { hasChannel } from './channel.ts'
import { writeLabel } from './label.ts'
import type { Sent } from './line.ts'
import { nextProcessComes } from './next-process.ts'
import { restartHeard } from './restart-signal.ts'
import { type KeptLine, openStoreLine } from './store-line.ts'

interface Keeping {
  readonly gate: Gate
  line: Promise<KeptLine | undefined> | undefined
  /** The answer of systemd. */
  comes: Promise<boolean> | undefined
}

// Every copy of this package in the process shares one: the next process starts when the servers of all
// copies have drained.
const key = Symbol.for('@socket-port/core/keeper/1')
const globals = globalThis as { [key]?: Keeping }

function shared(): Keeping {
  globals[key] ??= { gate: new Gate(), line: undefined, comes: undefined }
  return globals[key]
}

/**
 * What takes this server's idle connections for the next process. `undefined` if there is nothing, or if no
 * next process starts; `expected` skips the question whether one does.
 */
export async function keeperFor(
  server: AnyServer,
  expected: boolean,
  logger: Logger,
): Promise<Keeper | undefined> {
  const keeping = shared()
  const { gate } = keeping
  const address = server.address()
  // Connections of a unix socket are not handed over, but the other servers must wait for them.
  if (typeof address === 'string') return { gate, room: 0, pass: async () => false }
  if (address === null) return undefined
  keeping.line ??= openLine(logger).catch((error: Error) => {
    // There is no native code. The connections are kept as promised; the notifier has warned already.
    logger.debug(`idle connections are not handed over: ${error.message}`)
    return undefined
  })
  const kept = await keeping.line
  if (kept === undefined || !(expected || (await successorComes(logger)))) return undefined
  return new LineKeeper(gate, kept, server, address)
}

function successorComes(logger: Logger): Promise<boolean> {
  // A supervisor hands connections only to a process that already runs.
  if (hasChannel() || restartHeard()) return Promise.resolve(true)
  const keeping = shared()
  keeping.comes ??= nextProcessComes().catch((error: Error) => {
    logger.info(
      'idle connections are not handed over, but kept for as long as was promised: it is not known whether the ' +
        `manager starts the next process (${error.message}). Where it always does, set drain.idle to 'handover'`,
    )
    return false
  })
  return keeping.comes
}

async function openLine(logger: Logger): Promise<KeptLine | undefined> {
  const kept = await openStoreLine(logger)
  if (kept === undefined) return undefined
  // Forward connections of the previous process that no server of this one has taken.
  adoption().giveUp(({ label, fds }) => {
    kept.send(writeLabel(label), fds)
    for (const fd of fds) closeSync(fd)
  })
  return kept
}

class LineKeeper implements Keeper {
  readonly gate: Gate
  readonly #line: KeptLine
  readonly #label: Uint8Array
  #last: Sent = 'sent'

  constructor(gate: Gate, line: KeptLine, server: AnyServer, { port, address }: AddressInfo) {
    this.gate = gate
    const { keepAliveTimeout = 0 } = server as { keepAliveTimeout?: number }
    this.#line = line
    this.#label = writeLabel({ port, address, promise: keepAliveTimeout })
  }

  get room(): number {
    return this.#last === 'sent' ? Number.POSITIVE_INFINITY : 0
  }

  async pass(fds: readonly number[]): Promise<boolean> {
    this.#last = this.#line.send(this.#label, fds)
    return this.#last === 'sent'
  }
}
