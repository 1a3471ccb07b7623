import { expect, it, vi } from 'vitest'
import { later, loadLater } from './later.ts'

it('loads once, and keeps what was loaded', async () => {
  const load = vi.fn(async () => 'part')
  const part = later(load)
  expect(part.now).toBeUndefined()
  expect(await Promise.all([part.load(), part.load()])).toEqual(['part', 'part'])
  expect(part.now).toBe('part')
  expect(await part.load()).toBe('part')
  expect(load).toHaveBeenCalledOnce()
})

it('tries again after a failure', async () => {
  const load = vi.fn(async () => 'part').mockRejectedValueOnce(new Error('no such file'))
  const part = later(load)
  await expect(part.load()).rejects.toThrow('no such file')
  expect(part.now).toBeUndefined()
  expect(await part.load()).toBe('part')
})

it('loads every part in the next turn of the event loop, even if one fails', async () => {
  const broken = later(() => Promise.reject(new Error('no such file')))
  const load = vi.fn(async () => 'part')
  const part = later(load)
  const loaded = loadLater()
  await Promise.resolve()
  expect(load).not.toHaveBeenCalled()
  await loaded
  expect(part.now).toBe('part')
  expect(broken.now).toBeUndefined()
})
