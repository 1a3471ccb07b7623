import { expect, it } from 'vitest'
import { Gate } from './gate.ts'

it('opens when the last has let go', async () => {
  const gate = new Gate()
  await gate.opened
  const [first, second] = [gate.hold(), gate.hold()]
  let open = false
  const opened = gate.opened.then(() => {
    open = true
  })
  first()
  first()
  await Promise.resolve()
  expect(open).toBe(false)
  second()
  await opened
  await gate.opened
})
