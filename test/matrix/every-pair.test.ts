import { expect, it } from 'vitest'
import { everyPair } from './every-pair.ts'

it.each([1, 2, 3, 5])('goes once from each of %d to each', (count) => {
  const all = Array.from({ length: count }, (_, at) => at)
  const walk = everyPair(all)
  const pairs = walk.slice(1).map((to, at) => `${walk[at]} ${to}`)
  expect(pairs.sort()).toEqual(all.flatMap((from) => all.map((to) => `${from} ${to}`)))
})
