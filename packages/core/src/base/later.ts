/** A part of this package that no start needs. */
export interface Later<T> {
  /** `undefined` until it is loaded. */
  readonly now: T | undefined
  /** Loads it, at most once. */
  load(): Promise<T>
  /** Loads it when the event loop has accepted the connections that wait already. */
  soon(): Promise<T>
}

const parts = new Set<Later<unknown>>()

/**
 * Makes a part that `load` imports. New connections wait for a start, and the drain and the hand-over are half of the
 * code. So {@link loadLater} loads such parts when a server listens; code that needs one earlier calls `load`.
 */
export function later<T>(load: () => Promise<T>): Later<T> {
  let loading: Promise<T> | undefined
  let now: T | undefined
  const part: Later<T> = {
    get now() {
      return now
    },
    load() {
      loading ??= load().then(
        (loaded) => {
          now = loaded
          return loaded
        },
        (error) => {
          // Try again at the next call: the file may have been unreadable for a moment.
          loading = undefined
          throw error
        },
      )
      return loading
    },
    soon: () => new Promise(setImmediate).then(() => part.load()),
  }
  parts.add(part)
  return part
}

/**
 * Loads every part soon, because a server listens now. Do not wait until a part is needed: a deployment that replaces
 * the files before it stops the process must not break the drain.
 */
export async function loadLater(): Promise<void> {
  const missing = [...parts].filter(({ now }) => now === undefined)
  // What cannot be loaded is tried again where it is needed, and the error is thrown there.
  await Promise.allSettled(missing.map((part) => part.soon()))
}
