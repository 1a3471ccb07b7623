import { get } from './raw-connection.ts'

/** The headers of the handshake (RFC 6455, 4.1), for `get` and for requests that have others beside. */
export const UPGRADE: readonly string[] = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

/** The handshake of a client. */
export const handshake = (path: string): string => get(path, ...UPGRADE)

/** A text frame of a client, masked with zeros; of less than 126 bytes. */
export function textFrame(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0]), bytes])
}
