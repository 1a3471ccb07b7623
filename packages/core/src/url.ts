import { Server as HttpServer } from 'node:http'
import { Server as TlsServer } from 'node:tls'
import { isHttp2Server } from './drain/http2.ts'
import type { AnyServer } from './types.ts'

const WILDCARDS = new Set(['::', '0.0.0.0'])

/** Where a listening server can be reached from this machine, for humans and logs. */
export function serverUrl(server: AnyServer): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return `unix:${address ?? ''}`
  const host = WILDCARDS.has(address.address) ? 'localhost' : address.address
  return `${scheme(server)}://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

function scheme(server: AnyServer): string {
  const tls = server instanceof TlsServer
  const http = server instanceof HttpServer || isHttp2Server(server)
  // https.Server and Http2SecureServer extend tls.Server; a bare tls.Server has no time-outs for HTTP.
  if (tls) return http || 'keepAliveTimeout' in server ? 'https' : 'tls'
  return http ? 'http' : 'tcp'
}
