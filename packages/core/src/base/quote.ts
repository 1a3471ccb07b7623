// Made where they are used: each takes Node 0.1 ms, and most starts show no value.

// Characters that JSON does not escape but a terminal acts on: DEL, C1, text direction, line separators.
const invisible = (): RegExp => /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

// The same without line ends, tabs, and the two joiners that some scripts need.
const unprintable = (): RegExp => /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

// Control sequences, such as colours, and operating system commands, such as a title, in the forms
// of seven and of eight bits (ECMA-48).
const [ESC, CSI, OSC, ST, BEL] = ['\\u001b', '\\u009b', '\\u009d', '\\u009c', '\\u0007']
const SEQUENCES = new RegExp(
  `(?:${ESC}\\[|${CSI})[0-?]*[ -/]*[@-~]|` +
    `(?:${ESC}\\]|${OSC})[^${BEL}${ESC}${ST}]*(?:${BEL}|${ESC}\\\\|${ST})`,
  'g',
)

/**
 * Shows a value from outside in a message: in quotes, on one line, at most 80 characters. Such a value may
 * be long, or contain control characters.
 */
export function quote(text: string): string {
  const shown = JSON.stringify(text).replace(invisible(), escaped)
  return shown.length > 80 ? `${shown.slice(0, 77)}…"` : shown
}

/**
 * Makes text from another program safe to print on a terminal or in a log: colours and other escape
 * sequences are removed; every other control character, C1 and text direction included, is shown as
 * `\u{1b}`. Line ends and tabs stay.
 */
export function plainText(text: string): string {
  return text.replace(SEQUENCES, '').replaceAll('\r\n', '\n').replace(unprintable(), escaped)
}

const escaped = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`
