import { nodeV8 } from '../base/built-in.ts'
import { counted } from '../base/counted.ts'

/** The longest encoded attachment in bytes: both processes have all attachments in memory during the hand-over. */
const LARGEST = 64 * 1024

/** Encodes an attachment; a string says why it cannot be. Takes what `structuredClone` takes (HTML, 2.7). */
export function encodeAttachment(value: unknown): Uint8Array | string {
  let encoded: Uint8Array
  try {
    encoded = nodeV8().serialize(value)
  } catch (error) {
    const found = pathTo(value, isRefused)
    const what = found === undefined ? (error as Error).message : `${found.path} is ${found.what}`
    return `its attachment cannot be copied to another process: ${what}`
  }
  if (encoded.length <= LARGEST) return encoded
  return `its attachment has ${counted(encoded.length, 'byte')}, and ${LARGEST} is the most`
}

/** Throws if a newer version of V8 has encoded it in a way that this one does not know. */
export const decodeAttachment = (encoded: Uint8Array): unknown => nodeV8().deserialize(encoded)

interface Found {
  path: string
  what: string
}

function isRefused(value: unknown): string | undefined {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  try {
    nodeV8().serialize(value)
    return undefined
  } catch {
    const name = (value as object)?.constructor?.name
    return name === undefined || name === 'Object' ? 'an object of another kind' : `a ${name}`
  }
}

/** The path to the innermost value that cannot be encoded. */
function pathTo(
  value: unknown,
  refused: (value: unknown) => string | undefined,
  path = 'attachment',
  seen = new Set<unknown>(),
): Found | undefined {
  const what = refused(value)
  if (what === undefined || seen.has(value)) return undefined
  seen.add(value)
  // Sockets and the like are no data: name them, not what they are made of.
  if (!isData(value)) return { path, what }
  for (const [name, inner] of entriesOf(value)) {
    const found = pathTo(inner, refused, `${path}${name}`, seen)
    if (found !== undefined) return found
  }
  return { path, what }
}

function isData(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value) || value instanceof Map || value instanceof Set) return true
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function* entriesOf(value: object): Iterable<[name: string, value: unknown]> {
  if (value instanceof Map) for (const [key, inner] of value) yield [`.get(${String(key)})`, inner]
  else if (value instanceof Set) for (const inner of value) yield ['.values()', inner]
  else {
    for (const [key, inner] of Object.entries(value)) {
      yield [Array.isArray(value) ? `[${key}]` : `.${key}`, inner]
    }
  }
}
