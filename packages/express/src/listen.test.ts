import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import base from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import express, { type ManageOptions } from './index.ts'
import { attempt } from './testing/attempt.ts'

const folder = mkdtempSync(join(tmpdir(), 'socket-port-express-'))
const path = join(folder, 'app.sock')
let holder: Server
beforeAll(async () => {
  holder = createServer().listen(0)
  await once(holder, 'listening')
})
afterAll(() => {
  holder.close()
  rmSync(folder, { recursive: true })
})

const taken = (): number => (holder.address() as AddressInfo).port

describe.each([true, false])('with a callback: %j, listen', (callback) => {
  it.each([
    [[]],
    [[0]],
    [['0']],
    [[undefined]],
    [[null]],
    [[0, '127.0.0.1']],
    [[0, 16]],
    [[0, '127.0.0.1', 16]],
    [[{ port: 0 }]],
    [[{ port: 0, host: '::1', backlog: 16 }]],
    [[path]],
    [[path, 16]],
    [[{ path }]],
  ])('%j does what Express does', async (args) => {
    const ours = await attempt(express(), args, callback)
    expect(ours).toMatchObject({ listening: true, calls: callback ? [['server']] : [] })
    expect(ours).toEqual(await attempt(base(), args, callback))
  })

  it('takes a handle of the program’s own, as Express does', async () => {
    const handle = (): Server => createServer().listen(0)
    const ours = await attempt(express(), [handle()], callback)
    expect(ours.listening).toBe(true)
    expect(ours).toEqual(await attempt(base(), [handle()], callback))
  })

  it.each([
    ['a port in use', () => [taken()]],
    ['a port out of range', () => [65_536]],
    ['a host that is not here', () => [0, '192.0.2.1']],
    ['a path in no folder', () => [join(folder, 'none', 'app.sock')]],
    ['an empty object', () => [{}]],
  ])('fails as Express does on %s', async (_, args) => {
    const ours = await attempt(express(), args(), callback)
    expect(ours.listening).toBe(false)
    expect(ours).toEqual(await attempt(base(), args(), callback))
  })
})

it('serves the application', async () => {
  const app = express()
  app.get('/', (_request, response) => void response.send('hello'))
  const server = app.listen(0)
  const { port } = server.address() as AddressInfo
  const [response] = await once(get({ port, agent: false }), 'response')
  expect(await text(response)).toBe('hello')
  server.close()
  await once(server, 'close')
})

describe('options', () => {
  it('reach core', async () => {
    const server = express({ inherit: 'require' }).listen(0)
    const [error] = await once(server, 'error')
    expect(error.code).toBe('ERR_SOCKET_PORT_NOT_INHERITED')
  })

  it('that are wrong make listen throw', () => {
    const app = express({ drian: {} } as ManageOptions)
    expect(() => app.listen(0)).toThrow(/no option of a managed server "drian"/)
  })
})
