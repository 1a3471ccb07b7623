import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { SocketPortError } from '@socket-port/core'
import { bindFd } from '@socket-port/core/supervisor'
import { CommandError } from '../base/errors.ts'
import { fdAddress } from '../base/fd-address.ts'
import { listenOn } from '../base/listen-on.ts'
import { type Format, formatFor } from './negotiate.ts'

/** The address on which metrics are served, as `bindFd` of core takes it. */
export type MetricsAddress = Pick<
  Extract<Parameters<typeof bindFd>[0], object>,
  'port' | 'host' | 'path' | 'mode'
>

export interface MetricsServer {
  /** `[::]:9100`, `unix:/run/metrics.sock` */
  address: string
  close(): Promise<void>
}

const PATH = '/metrics'

// Milliseconds. A scraper asks at once and reads fast: slower clients must not pile up.
const REQUEST_TIMEOUT = 10_000
const MOST_CONNECTIONS = 100

/**
 * Answers `GET /metrics` at the address until it is closed.
 *
 * @throws {CommandError} with exit code 4 when the address cannot be used
 */
export async function openMetricsServer(
  where: MetricsAddress,
  write: (format: Format) => Promise<{ contentType: string; text: string }>,
): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT }, (request, response) => {
    void respond(request, response, write)
  })
  server.maxConnections = MOST_CONNECTIONS
  const fd = await open(where)
  const removeFile = await listenOn(server, fd, where.path)
  return {
    address: fdAddress(fd),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      removeFile()
    },
  }
}

async function respond(
  { method, url = '', headers }: IncomingMessage,
  response: ServerResponse,
  write: (format: Format) => Promise<{ contentType: string; text: string }>,
): Promise<void> {
  if (url.split('?', 1)[0] !== PATH) {
    response.writeHead(404, TEXT).end(`The metrics are at ${PATH}.\n`)
    return
  }
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { ...TEXT, allow: 'GET, HEAD' }).end(`Ask for ${PATH} with GET.\n`)
    return
  }
  const { contentType, text } = await write(formatFor(headers.accept))
  const length = Buffer.byteLength(text)
  response.writeHead(200, { 'content-type': contentType, 'content-length': length, vary: 'accept' })
  // Node sends no body in the response to a HEAD request.
  response.end(text)
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' }

async function open(where: MetricsAddress): Promise<number> {
  try {
    return await bindFd(where)
  } catch (error) {
    if (!(error instanceof SocketPortError)) throw error
    throw new CommandError(`--metrics: ${error.message}`, 4)
  }
}
