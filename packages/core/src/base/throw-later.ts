/**
 * Throws an error that a listener of the program has thrown, but later: uncaught as ever, while what was under way here
 * goes on, so that no other connection is lost.
 */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
