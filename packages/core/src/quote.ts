/**
 * A value that came from outside, for a message: in quotes, on one line, at most 80 characters.
 * Garbage may be long or hold control characters, and a log line must survive it.
 */
export function quote(text: string): string {
  const shown = JSON.stringify(text)
  return shown.length > 80 ? `${shown.slice(0, 77)}…"` : shown
}
