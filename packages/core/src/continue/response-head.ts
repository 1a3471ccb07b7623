import type { Socket } from 'node:net'
import { textOf } from './written.ts'

// What decides how a client reads the bytes after the head.
const FRAMING = [
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
]

/**
 * What of a response's head decides how the bytes after it are read: the status, and some headers, sorted. Two
 * responses with the same framing can continue each other. Pure.
 */
export function framingOf(head: string): string {
  const [status = '', ...lines] = head.trimEnd().split('\r\n')
  const [, code = status] = /^HTTP\/1\.\d (\d{3})/.exec(status) ?? []
  const headers = lines.flatMap((line) => {
    const [name = '', ...value] = line.toLowerCase().split(':')
    return FRAMING.includes(name) ? `${name}: ${value.join(':').replaceAll(/\s/g, '')}` : []
  })
  return [code, ...headers.sort()].join(', ')
}

/** The longest head that is waited for, in bytes: as long as Node reads one. */
export const LONGEST_HEAD: number = 16 * 1024

/** Calls back with the head of the next response that is written to a connection. */
export function hearResponseHead(socket: Socket, heard: (head: string) => void): void {
  const { write } = socket
  let text = ''
  let isHeard = false
  const hear = (args: unknown[]): void => {
    text += textOf(args)
    const end = text.indexOf('\r\n\r\n')
    if (end < 0 && text.length <= LONGEST_HEAD) return
    isHeard = true
    if (socket.write === hearing) socket.write = write
    if (end >= 0) heard(text.slice(0, end))
    text = ''
  }
  const hearing = function (this: Socket, ...args: unknown[]): boolean {
    // Other code may have wrapped this function, and still calls it after the head.
    if (!isHeard) hear(args)
    return Reflect.apply(write, this, args)
  } as Socket['write']
  socket.write = hearing
}
