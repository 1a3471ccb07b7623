import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import express from './index.ts'

let holder: Server
beforeAll(async () => {
  holder = createServer().listen(0)
  await once(holder, 'listening')
})
afterAll(() => void holder.close())

const busy = (): number => (holder.address() as AddressInfo).port

function application(): { app: ReturnType<typeof express>; errors: string[] } {
  const errors: string[] = []
  const none = (): void => {}
  const logger = { debug: none, info: none, warn: none, error: (text: string) => errors.push(text) }
  return { app: express({ signals: false, exit: false, logger }), errors }
}

const express5 = (): void => {
  it('is called as by Express, and core logs an error with the reason', async () => {
    const { app, errors } = application()
    await new Promise<void>((up) => app.listen(busy(), () => up()))
    expect(errors).toEqual([
      expect.stringMatching(new RegExp(`^cannot listen on port ${busy()} \\(EADDRINUSE\\)`)),
    ])
  })

  it('is not the only report if the server has a listener for the error', async () => {
    const { app, errors } = application()
    const heard = vi.fn()
    await new Promise<void>((up) => app.listen(busy(), () => up()).on('error', heard))
    expect(heard).toHaveBeenCalledOnce()
    expect(errors).toEqual([])
  })

  it('is the only report if it takes the error', async () => {
    const { app, errors } = application()
    const error = await new Promise((called) => app.listen(busy(), (error) => called(error)))
    expect(error).toMatchObject({ code: 'EADDRINUSE' })
    expect(errors).toEqual([])
  })

  it('gets no error if the port is free', async () => {
    const { app, errors } = application()
    const server = await new Promise<Server>((up) => {
      const server = app.listen(0, () => up(server))
    })
    server.close()
    await once(server, 'close')
    expect(errors).toEqual([])
  })
}

const express4 = (): void => {
  it('is not called, and the error is an event of the server', async () => {
    const { app, errors } = application()
    const callback = vi.fn()
    const error = await new Promise((heard) => app.listen(busy(), callback).on('error', heard))
    expect(error).toMatchObject({ code: 'EADDRINUSE' })
    expect(callback).not.toHaveBeenCalled()
    expect(errors).toEqual([])
  })
}

describe(
  'a callback that takes no error, on a busy port',
  process.env.MAJOR === '5' ? express5 : express4,
)
