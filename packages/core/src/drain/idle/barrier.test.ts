import { expect, it } from 'vitest'
import { Barrier } from './barrier.ts'

it('opens when the last holder has released it', async () => {
  const barrier = new Barrier()
  await barrier.opened
  const [first, second] = [barrier.hold(), barrier.hold()]
  let open = false
  const opened = barrier.opened.then(() => {
    open = true
  })
  first()
  first()
  await Promise.resolve()
  expect(open).toBe(false)
  second()
  await opened
  await barrier.opened
})
