/** A value that a process has one of, however many copies of this package are loaded in it. */
export interface PerProcess<T> {
  /** `undefined` until a copy has made it. */
  readonly current: T | undefined
  /** The value; the first call in the process makes it. */
  get(make: () => T): T
}

/**
 * A place for such a value on `globalThis`, under the registered symbol `@socket-port/core/NAME/VERSION`.
 * Raise the version when the shape of the value changes: a copy that expects the old shape must not find
 * the new one. The table "One per process" in docs/architecture.md lists every name.
 */
export function perProcess<T>(name: `${string}/${number}`): PerProcess<T> {
  const key = Symbol.for(`@socket-port/core/${name}`)
  const globals = globalThis as { [key]?: T }
  return {
    get current() {
      return globals[key]
    },
    get(make) {
      globals[key] ??= make()
      return globals[key]
    },
  }
}
