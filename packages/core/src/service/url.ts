import type { AddressInfo } from 'node:net'
import { isWildcard } from '../base/ip-address.ts'
import type { AnyServer } from '../base/types.ts'
import { isHttp1Server, isHttp2Server, isTlsServer } from '../node/server-kind.ts'

/** Where a server that listens on the address can be reached from this machine, for humans and logs. */
export function serverUrl(server: AnyServer, address: string | AddressInfo): string {
  if (typeof address === 'string') return `unix:${address}`
  const host = isWildcard(address.address) ? 'localhost' : address.address
  return `${scheme(server)}://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

function scheme(server: AnyServer): string {
  const http = isHttp1Server(server) || isHttp2Server(server)
  if (isTlsServer(server)) return http ? 'https' : 'tls'
  return http ? 'http' : 'tcp'
}
