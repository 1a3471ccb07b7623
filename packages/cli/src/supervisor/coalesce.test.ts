import { expect, it } from 'vitest'
import { Coalesced } from './coalesce.ts'

it('runs one task at a time, and once more for all calls that come meanwhile', async () => {
  const finish: (() => void)[] = []
  let runs = 0
  const reloads = new Coalesced(async () => {
    runs += 1
    const run = runs
    await new Promise<void>((resolve) => finish.push(resolve))
    return run
  })
  const [first, second, third] = [reloads.request(), reloads.request(), reloads.request()]
  expect(third).toBe(second)
  finish[0]?.()
  expect(await first).toBe(1)
  // The second is under way: what comes now is one more.
  const fourth = reloads.request()
  expect(runs).toBe(2)
  finish[1]?.()
  expect(await Promise.all([second, third])).toEqual([2, 2])
  await Promise.resolve()
  finish[2]?.()
  expect(await fourth).toBe(3)
  const last = reloads.request()
  finish[3]?.()
  expect(await last).toBe(4)
})
