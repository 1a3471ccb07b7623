/**
 * Throws the error of a listener of the program in the next tick. It is uncaught then, as it would be without this
 * package. But the code that has called the listener goes on first, so that no other connection is lost.
 */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
