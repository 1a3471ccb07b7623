/** Changes that are collected until they are delivered together. */
export interface CollectedChanges {
  add(path: string): void
  /** Drops what was not delivered yet. */
  close(): void
}

/**
 * Collects changed paths, and delivers them together when nothing has changed for `quiet` ms, or when the first of them is
 * `patience` ms old. Without that limit, a file that changes all the time would delay the delivery for ever.
 */
export function collectChanges(
  deliver: (paths: readonly string[]) => void,
  { quiet, patience }: { quiet: number; patience: number },
): CollectedChanges {
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let latest = 0
  const flush = (): void => {
    timer = undefined
    const paths = [...changed]
    changed.clear()
    deliver(paths)
  }
  return {
    add(path) {
      changed.add(path)
      const now = performance.now()
      if (timer === undefined) latest = now + patience
      clearTimeout(timer)
      timer = setTimeout(flush, Math.max(0, Math.min(quiet, latest - now)))
    },
    close() {
      clearTimeout(timer)
      timer = undefined
      changed.clear()
    },
  }
}
