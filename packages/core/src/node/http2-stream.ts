import type { ServerHttp2Stream } from 'node:http2'

/** The status that was sent on a stream; `undefined` before. */
export const sentStatus = ({ headersSent, sentHeaders }: ServerHttp2Stream): number | undefined =>
  headersSent ? Number(sentHeaders[':status']) : undefined

/** The value of a header that was sent on a stream; '' if it was not. */
export function sentHeader({ sentHeaders = {} }: ServerHttp2Stream, name: string): string {
  // As the program has spelled it.
  const found = Object.entries(sentHeaders).find(([key]) => key.toLowerCase() === name)
  return String(found?.[1] ?? '')
}
