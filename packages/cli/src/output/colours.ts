import { type Output, styled } from '../base/io.ts'
import type { Level } from '../base/level.ts'

/** Returns how to colour a line of `run` on a terminal; `undefined` if the stream is none. */
export function coloursOf(
  stream: Output,
): ((prefix: string, message: string, level: Level) => string) | undefined {
  // `styled` alone obeys FORCE_COLOR too.
  if (stream.isTTY !== true) return undefined
  return (prefix, message, level) => {
    if (level === 'error') return styled(stream, 'red', prefix + message)
    const styledPrefix = styled(stream, level === 'warn' ? 'yellow' : 'cyan', prefix.trimEnd())
    return `${styledPrefix} ${message}`
  }
}
