import { expect, it } from 'vitest'
import { Refusals } from './refusals.ts'

it('reports the first, and then the number of the others every ten seconds', () => {
  const reports: string[] = []
  let now = 0
  const refusals = new Refusals(
    (message) => reports.push(message),
    () => now,
  )
  for (let count = 0; count < 1_000; count += 1) refusals.add('process 7', 'it has ended')
  expect(reports).toEqual(['process 7 asked for a socket and was given none: it has ended'])
  now = 10_000
  refusals.add('process 8', 'it runs as user 1')
  expect(reports[1]).toBe(
    'process 8 asked for a socket and was given none: it runs as user 1 (and 999 more since the last report)',
  )
  now = 20_000
  refusals.add('process 9', 'x')
  expect(reports[2]).toBe('process 9 asked for a socket and was given none: x')
})
