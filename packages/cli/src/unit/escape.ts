import { UsageError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'

/** A value that takes the rest of its line: systemd.unit(5) expands `%` in it. */
export function plainValue(text: string): string {
  checkQueue(text)
  // Nothing quotes such a value: systemd joins the line with the next one, or cuts its end off.
  const end = /[\\ ]$/.exec(text)?.[0]
  if (end !== undefined) {
    throw new UsageError(
      `${quote(text)} ends in a ${end === ' ' ? 'space' : 'backslash'}, which systemd does not take ` +
        'for a part of the name at the end of a line. Rename it',
    )
  }
  return text.replaceAll('%', '%%')
}

/** One word of a command line, as systemd.service(5) reads it: quoted where need be. */
export function commandWord(text: string): string {
  checkQueue(text)
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return quoted(escaped)
}

/** One assignment of `Environment=`: like a word of a command line, but `$` has no meaning there. */
export function environmentWord(text: string): string {
  checkQueue(text)
  return quoted(text.replaceAll('%', '%%'))
}

function quoted(text: string): string {
  if (/^[\w@%+=:,./$-]+$/.test(text)) return text
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function checkQueue(text: string): void {
  // Quoting does not help: systemd reads a unit file line by line.
  if (/\p{Cc}/u.test(text)) {
    throw new UsageError(`${quote(text)} has a control character, which no unit file may hold`)
  }
}
