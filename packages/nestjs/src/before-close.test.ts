import { NestApplication } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { expect, it, vi } from 'vitest'
import { callBeforeClose } from './before-close.ts'
import { createApplication, Journal } from './testing/application.ts'

it('is called once for each close, however many copies of this package there are', async () => {
  callBeforeClose()
  callBeforeClose()
  const beforeClose = vi.fn(() => journal.entries.push('beforeClose'))
  const app = await createApplication(Object.assign(new ExpressAdapter(), { beforeClose }))
  const journal = app.get(Journal)
  await app.close()
  expect(beforeClose).toHaveBeenCalledOnce()
  expect(journal.entries.slice(0, 2)).toEqual(['beforeClose', 'onModuleDestroy'])
})

it('leaves applications without such an adapter as they are', async () => {
  callBeforeClose()
  const app = await createApplication(new ExpressAdapter())
  await app.close()
  expect(app.get(Journal).entries[0]).toBe('onModuleDestroy')
})

it('does not change a Nest that calls beforeClose itself', () => {
  const own = process.env.OLDER === undefined
  callBeforeClose()
  expect(Object.hasOwn(NestApplication.prototype, 'callDestroyHook')).toBe(!own)
})
