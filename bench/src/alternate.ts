/**
 * Measures every variant once in each round, for so many rounds or while there is more to do. Rounds differ in who begins and in which direction
 * they go, so that neither drift nor what the one before leaves behind favours a variant.
 */
export async function alternate<V extends string, T>(
  variants: readonly V[],
  rounds: number | (() => boolean),
  measure: (variant: V, round: number) => Promise<T>,
): Promise<Record<V, T[]>> {
  const samples = Object.fromEntries(variants.map((variant) => [variant, []])) as unknown as Record<
    V,
    T[]
  >
  const more = typeof rounds === 'number' ? (round: number) => round < rounds : rounds
  for (let round = 0; more(round); round += 1) {
    for (const variant of order(variants, round)) {
      samples[variant].push(await measure(variant, round))
    }
  }
  return samples
}

/** The variants as they take their turns in this round. */
export function order<V>(variants: readonly V[], round: number): V[] {
  const first = Math.floor(round / 2) % variants.length
  const rotated = [...variants.slice(first), ...variants.slice(0, first)]
  return round % 2 === 0 ? rotated : rotated.reverse()
}
