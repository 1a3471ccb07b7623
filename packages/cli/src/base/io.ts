import type { Readable, Writable } from 'node:stream'
import { styleText } from 'node:util'

export type Output = Writable & { isTTY?: boolean; columns?: number }
export type Input = Readable & { isTTY?: boolean }

/** The streams of a command: the ones of the process, or fakes of a test. */
export interface Io {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
}

type Style = Parameters<typeof styleText>[0]

/** Styles the text when the stream is a terminal and NO_COLOR is not set. */
export const styled = (stream: Output, style: Style, text: string): string =>
  styleText(style, text, { stream, validateStream: true })

// Control characters that a terminal obeys and JSON.stringify does not escape.
const UNESCAPED = /[\u007f-\u009f]|[\p{Cf}\p{Zl}\p{Zp}]/gu

/** The value as JSON; control characters are escaped, so it is safe on a terminal. */
export const jsonOf = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(UNESCAPED, escaped)

/** Writes indented JSON with a newline at its end. */
export function writeJson({ stdout }: Io, value: unknown): void {
  stdout.write(`${jsonOf(value, 2)}\n`)
}

// JSON escapes UTF-16 units: one character may need two escapes.
const escaped = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
