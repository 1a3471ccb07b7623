import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { lingerAfter } from './linger.ts'

// What the response would have done by itself, to restore it when it turns out not to be the last.
const before = new WeakMap<ServerResponse, { shouldKeepAlive: boolean }>()

/** Makes the response send `Connection: close` and close its connection. Does nothing after the headers were sent. */
export function closeAfter(response: ServerResponse): void {
  if (response.headersSent || before.has(response)) return
  before.set(response, { shouldKeepAlive: response.shouldKeepAlive })
  response.shouldKeepAlive = false
  // A proxy may copy `Connection: keep-alive` from the response of the server behind it: correct that too.
  const { writeHead } = response
  response.writeHead = ((...args: WriteHeadArguments) => {
    if (before.has(response)) {
      if (response.hasHeader('connection')) response.setHeader('connection', 'close')
      const headers = args.findIndex(
        (argument) => typeof argument === 'object' && argument !== null,
      )
      if (headers >= 0) args[headers] = saysClose(args[headers])
      lingerAfter(response)
    }
    return Reflect.apply(writeHead, response, args)
  }) as ServerResponse['writeHead']
}

/** Undoes {@link closeAfter}, because a pipelined request has come that must be answered too. */
export function keepOpenAfter(response: ServerResponse): void {
  const was = before.get(response)
  if (was === undefined || response.headersSent) return
  response.shouldKeepAlive = was.shouldKeepAlive
  before.delete(response)
}

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[] | [string, OutgoingHttpHeader][]
type WriteHeadArguments = (number | string | Headers | null | undefined)[]

function saysClose(headers: WriteHeadArguments[number]): WriteHeadArguments[number] {
  if (!Array.isArray(headers)) {
    const entries = Object.entries(headers as OutgoingHttpHeaders)
    return Object.fromEntries(entries.map(closeIfConnection))
  }
  if (Array.isArray(headers[0]))
    return (headers as [string, OutgoingHttpHeader][]).map(closeIfConnection)
  return (headers as OutgoingHttpHeader[]).map((value, index) =>
    index % 2 === 1 && isConnection(headers[index - 1]) ? 'close' : value,
  )
}

const closeIfConnection = <V>([name, value]: [string, V]): [string, V | string] => [
  name,
  isConnection(name) ? 'close' : value,
]

const isConnection = (name: unknown): boolean => String(name).toLowerCase() === 'connection'
