import type { IncomingMessage } from 'node:http'

/** What differs in the request that the next process reads. */
export interface RequestChanges {
  /** The path with the query. @default as it was */
  url?: string | undefined
  /** Headers that replace those of the same name, in lower case. `undefined` removes one. */
  headers?: Readonly<Record<string, string | undefined>>
}

// The next process must not wait for a body, nor send an interim response.
const REMOVED = { expect: undefined }

/** The head of a request, as the next process reads it. `Buffer` of latin1, in which Node reads headers. Pure. */
export function requestHead(
  { method, url: original, httpVersion, rawHeaders }: IncomingMessage,
  { url = original, headers = {} }: RequestChanges = {},
): Buffer {
  const changed: RequestChanges['headers'] = { ...REMOVED, ...headers }
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (!(name.toLowerCase() in changed)) lines.push(`${name}: ${rawHeaders[at + 1]}`)
  }
  for (const [name, value] of Object.entries(changed)) {
    if (value !== undefined) lines.push(`${name}: ${value}`)
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
