import { inspect } from 'node:util'

/** A value that came from outside, for a message: in quotes, on one line, at most 80 characters. */
export const quote = (text: string): string =>
  inspect(text, { maxStringLength: 80, breakLength: Number.POSITIVE_INFINITY })
