import { UsageError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'

/** Escapes a value that takes the rest of its line: systemd.unit(5) expands `%` in it. */
export function plainValue(text: string): string {
  refuseControlCharacters(text)
  // Such a value cannot be quoted. A backslash at its end joins the next line; a space there is cut off.
  const end = /[\\ ]$/.exec(text)?.[0]
  if (end !== undefined) {
    throw new UsageError(
      `${quote(text)} ends in a ${end === ' ' ? 'space' : 'backslash'}, which systemd does not read ` +
        'as part of the name at the end of a line. Rename it',
    )
  }
  return text.replaceAll('%', '%%')
}

/** Escapes one word of a command line for systemd.service(5), with quotes if it needs them. */
export function commandWord(text: string): string {
  refuseControlCharacters(text)
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return quoted(escaped)
}

/** Escapes one assignment of `Environment=`: like a word of a command line, but `$` has no meaning there. */
export function environmentWord(text: string): string {
  refuseControlCharacters(text)
  return quoted(text.replaceAll('%', '%%'))
}

function quoted(text: string): string {
  if (/^[\w@%+=:,./$-]+$/.test(text)) return text
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function refuseControlCharacters(text: string): void {
  // Quoting does not help: systemd reads a unit file line by line.
  if (/\p{Cc}/u.test(text)) {
    throw new UsageError(`${quote(text)} has a control character, which a unit file cannot contain`)
  }
}
