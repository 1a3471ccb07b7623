import { type Output, styled } from '../base/io.ts'
import type { Level } from '../base/level.ts'

/** Colours the lines of `run` for a terminal, failures in red; `undefined` for another stream. */
export function coloursOf(
  stream: Output,
): ((label: string, message: string, level: Level) => string) | undefined {
  // `styled` alone obeys FORCE_COLOR too.
  if (stream.isTTY !== true) return undefined
  return (label, message, level) => {
    if (level === 'error') return styled(stream, 'red', label + message)
    const styledLabel = styled(stream, level === 'warn' ? 'yellow' : 'cyan', label.trimEnd())
    return `${styledLabel} ${message}`
  }
}
