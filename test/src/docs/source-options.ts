/** A property of an interface in the source, with what its `@default` says. */
export interface SourceOption {
  readonly name: string
  readonly byDefault: string | undefined
}

/** The properties of an interface, in order, read from the text of its source file. */
export function propertiesOf(source: string, name: string): SourceOption[] {
  const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(
    source,
  )
  if (body?.[1] === undefined) throw new Error(`no interface ${name}`)
  const property = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^ {2}(?:readonly )?(\w+)\??[:(]/gm
  return [...body[1].matchAll(property)].map(([, comment = '', property = '']) => ({
    name: property,
    byDefault: /@default ([^*]*)/.exec(comment)?.[1]?.trim(),
  }))
}

/** True for a default that is a value of the language, not a description. */
export const isValue = (text: string): boolean => /^(\d+|true|false|'[^']*'|\[.*\])$/.test(text)
