import type { INestApplication } from '@nestjs/common'
import { NestApplication } from '@nestjs/core'

interface ClosingApplication extends Pick<INestApplication, 'getHttpAdapter'> {
  prepareClose?: () => Promise<void>
  callDestroyHook(): Promise<void>
}

/**
 * Makes Nest 11 call the adapter's `beforeClose` where Nest 12 does: as the first step when an application closes. Nest 11
 * itself calls an adapter only in `close`, after `onModuleDestroy`.
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
