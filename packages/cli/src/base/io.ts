import type { Readable, Writable } from 'node:stream'
import { styleText } from 'node:util'

export type Output = Writable & { isTTY?: boolean; columns?: number }
export type Input = Readable & { isTTY?: boolean }

/** The streams of a command: those of the process, or those of a test. */
export interface Io {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
}

type Style = Parameters<typeof styleText>[0]

/** Styles the text if the stream is a terminal and NO_COLOR is not set. */
export const styled = (stream: Output, style: Style, text: string): string =>
  styleText(style, text, { stream, validateStream: true })

// What a terminal obeys, and JSON does not escape by itself.
const UNESCAPED = /[\u007f-\u009f]|[\p{Cf}\p{Zl}\p{Zp}]/gu

/** Writes what a script may read: JSON, indented, with a newline at its end, and safe on a terminal. */
export function writeJson({ stdout }: Io, value: unknown): void {
  const json = JSON.stringify(value, undefined, 2).replace(UNESCAPED, escaped)
  stdout.write(`${json}\n`)
}

// In UTF-16, as JSON has it: one character may be two of its escapes.
const escaped = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
