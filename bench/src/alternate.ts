/**
 * Measures every variant once in each round. `rounds` is their number, or a function that returns whether another one
 * follows. The order differs from round to round, so that neither drift nor the effects of the variant before favour one.
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

/** The variants in the order of this round. */
export function order<V>(variants: readonly V[], round: number): V[] {
  const first = Math.floor(round / 2) % variants.length
  const rotated = [...variants.slice(first), ...variants.slice(0, first)]
  return round % 2 === 0 ? rotated : rotated.reverse()
}
