import type { INestApplication } from '@nestjs/common'
import { NestApplication } from '@nestjs/core'

interface ClosingApplication extends Pick<INestApplication, 'getHttpAdapter'> {
  prepareClose?: () => Promise<void>
  callDestroyHook(): Promise<void>
}

/**
 * Lets Nest 11 call the adapter's `beforeClose` where Nest 12 does: first of all when an application
 * closes. An adapter of Nest 11 hears of that only in `close`, after `onModuleDestroy`.
 */
export function callBeforeClose(): void {
  const application = NestApplication.prototype as unknown as ClosingApplication
  if (application.prepareClose !== undefined) return
  const { callDestroyHook } = application
  application.prepareClose = async function prepareClose(this: ClosingApplication) {
    const adapter: { beforeClose?: () => unknown } = this.getHttpAdapter()
    await adapter.beforeClose?.()
  }
  application.callDestroyHook = async function prepareAndDestroy(this: ClosingApplication) {
    await this.prepareClose?.()
    await callDestroyHook.call(this)
  }
}
