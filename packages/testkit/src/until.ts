import { setTimeout } from 'node:timers/promises'

/** Asks until it holds, for as long as the test may take. Only for changes that no output and no event announces. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(1)
}
