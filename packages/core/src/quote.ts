// What JSON leaves as it is and a terminal obeys: DEL, C1, text direction, line separators.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * A value that came from outside, for a message: in quotes, on one line, at most 80 characters.
 * Garbage may be long or hold control characters, and a log line must survive it.
 */
export function quote(text: string): string {
  const shown = JSON.stringify(text).replace(
    INVISIBLE,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
  return shown.length > 80 ? `${shown.slice(0, 77)}…"` : shown
}
