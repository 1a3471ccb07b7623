/** The kind of value that a property must have. `any`: the property must exist. */
type Kind = 'number' | 'boolean' | 'function' | 'array' | 'map' | 'object' | 'any'

/** The properties of an object of another library that are used, and that no documentation promises. */
export type Shape = Readonly<Record<string, Kind>>

/** The first property that differs from the shape, after `path`, such as `receiver._state`; `undefined` for none. Pure. */
export function differenceFrom(shape: Shape, owner: unknown, path = ''): string | undefined {
  const name = Object.keys(shape).find((key) => !hasKind(owner, key, shape[key]))
  return name && `${path}${name}`
}

function hasKind(owner: unknown, key: string, kind: Kind | undefined): boolean {
  if (typeof owner !== 'object' || owner === null || !(key in owner)) return false
  const value: unknown = Reflect.get(owner, key)
  if (kind === 'array') return Array.isArray(value)
  if (kind === 'map') return value instanceof Map
  // The type of null is 'object'.
  return kind === 'any' || (typeof value === kind && value !== null)
}
