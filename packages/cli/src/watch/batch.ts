export interface Batch {
  /** Adds one change to the batch that is being collected. */
  add(path: string): void
  /** Forgets what is collected. */
  close(): void
}

/**
 * Collects changes, and hands over each batch when there has been none for `quiet` ms, or when the
 * batch is `patience` ms old: a file that is always written would else put it off for ever.
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
