import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import type { Logger } from '../base/types.ts'
import { askForSocket, isColdStart } from '../listen/asked-sockets.ts'
import { openBound } from '../listen/bind-fd.ts'
import { isTaken } from '../listen/candidate.ts'
import { hasExactAddress } from '../listen/exact-address.ts'
import { type ResolvedListen, resolveListen } from '../listen/options.ts'
import { inheritedEntries } from '../listen/socket-registry.ts'
import { StartAbort } from '../listen/start-abort.ts'
import { startListening } from '../listen/start-listening.ts'
import { stopTimeoutChecks } from '../node/request-timeouts.ts'
import { generationsOverlap } from '../process/successor.ts'
import { answerRequest, type Probe } from './answer.ts'
import type { ResolvedProbes } from './options.ts'

/** How long in milliseconds a probe may take to send its request when the port closes. */
const PATIENCE = 1_000

/** Where a server of its own answers probes. */
export type ProbePlace = Pick<ResolvedProbes, 'host'> & { port: number }

/** The servers of this process that answer probes, by their place. */
const open = new Map<string, ProbePort>()

/**
 * Answers the probes of a server on a port of their own. Servers of a program that name the same place share it, and
 * are ready together. Returns a function that ends it, and resolves when the probes that have come are answered.
 *
 * @throws {SocketPortError} As `listen`.
 */
export async function openProbePort(
  place: ProbePlace,
  probe: Probe,
  logger: Logger,
): Promise<() => Promise<void>> {
  const key = JSON.stringify([place.port, place.host])
  const port = open.get(key) ?? new ProbePort(place, logger)
  open.set(key, port)
  const leave = async (): Promise<void> => {
    const closed = port.remove(probe)
    if (closed !== undefined && open.get(key) === port) open.delete(key)
    await closed
  }
  port.add(probe)
  try {
    await port.opened
    return leave
  } catch (error) {
    void leave()
    throw error
  }
}

class ProbePort {
  readonly opened: Promise<void>
  readonly #probes: Probe[] = []
  readonly #server: Server
  #closed: Promise<void> | undefined

  constructor(place: ProbePlace, logger: Logger) {
    this.#server = createServer((request, response) => {
      // Probes are rare. Without keep-alive none of their connections has to be drained.
      response.shouldKeepAlive = false
      if (!answerRequest(this.#probes, request, response))
        response.writeHead(404).end('not found\n')
    })
    // Neither the port nor a probe holds up the end of the process.
    this.#server.unref().on('connection', (socket) => socket.unref())
    this.opened = listenOn(this.#server, place, logger)
  }

  add(probe: Probe): void {
    this.#probes.push(probe)
  }

  /** Returns `undefined` if others are left. The last one closes the port, and answers what has come before. */
  remove(probe: Probe): Promise<void> | undefined {
    if (this.#probes.length > 1) {
      this.#probes.splice(this.#probes.indexOf(probe), 1)
      return undefined
    }
    this.#closed ??= this.#close()
    return this.#closed
  }

  #close(): Promise<void> {
    const server = this.#server
    // This timer keeps the process alive meanwhile: the connections and the server do not.
    const timer = setTimeout(() => server.closeAllConnections(), PATIENCE)
    stopTimeoutChecks(server)
    return new Promise((resolve) => {
      // Not http.Server.close(), which destroys connections.
      NetServer.prototype.close.call(server, () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

async function listenOn(server: Server, place: ProbePlace, logger: Logger): Promise<void> {
  const request = requestFor(place, logger)
  try {
    if (request.inherit === 'never' && request.port !== 0 && generationsOverlap()) {
      // The previous process has the port until the next one serves.
      server.listen({ fd: await openBound({ ...request, reusePort: true }) })
      await once(server, 'listening')
    } else {
      await startListening(server, { ...request, notify: false, abort: new StartAbort() })
    }
  } catch (error) {
    ;(error as Error).message = `probes.port: ${(error as Error).message}`
    throw error
  }
}

// Only a socket of exactly this address: a sole one that was passed is for the program's own server.
function requestFor({ port, host }: ProbePlace, logger: Logger): ResolvedListen {
  const request = resolveListen({ port, host, logger, inherit: 'never' })
  if (port === 0 || isColdStart(logger)) return request
  askForSocket(request, { take: 'exact', logger })
  const isPassed = inheritedEntries(logger).some(
    (entry) =>
      entry.state.kind !== 'unusable' && !isTaken(entry) && hasExactAddress(request)(entry),
  )
  return isPassed ? { ...request, inherit: 'prefer' } : request
}
