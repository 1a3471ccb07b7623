import { inspect } from 'node:util'

/** Quotes a value of the user for a message: on one line, with at most 80 characters. */
export const quote = (text: string): string =>
  inspect(text, { maxStringLength: 80, breakLength: Number.POSITIVE_INFINITY })
