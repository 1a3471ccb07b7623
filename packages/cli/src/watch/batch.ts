export interface Batch {
  /** Adds a change to the current batch. */
  add(path: string): void
  /** Drops the current batch. */
  close(): void
}

/**
 * Collects changes, and delivers a batch when nothing has changed for `quiet` ms, or when the batch is `patience`
 * ms old. Without that limit, a file that changes all the time would delay the batch for ever.
 */
export function batched(
  deliver: (paths: readonly string[]) => void,
  { quiet, patience }: { quiet: number; patience: number },
): Batch {
  const paths = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let latest = 0
  const flush = (): void => {
    timer = undefined
    const batch = [...paths]
    paths.clear()
    deliver(batch)
  }
  return {
    add(path) {
      paths.add(path)
      const now = performance.now()
      if (timer === undefined) latest = now + patience
      clearTimeout(timer)
      timer = setTimeout(flush, Math.max(0, Math.min(quiet, latest - now)))
    },
    close() {
      clearTimeout(timer)
      timer = undefined
      paths.clear()
    },
  }
}
