import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, attempt, callListen, type DropIn } from './drop-in.ts'

/** Tests that `listen` takes the arguments of the framework's own `listen`, does the same, and fails in the same way. */
export function listening({ name, create, base }: DropIn): void {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-drop-in-'))
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
    ])(`%j does what ${name} does`, async (args) => {
      const ours = await attempt(create(), args, callback)
      expect(ours).toMatchObject({ listening: true, calls: callback ? [['server']] : [] })
      expect(ours).toEqual(await attempt(base(), args, callback))
    })

    it(`takes a handle of the program’s own, as ${name} does`, async () => {
      const handle = (): Server => createServer().listen(0)
      const ours = await attempt(create(), [handle()], callback)
      expect(ours.listening).toBe(true)
      expect(ours).toEqual(await attempt(base(), [handle()], callback))
    })

    it.each([
      ['a port in use', () => [taken()]],
      ['a port out of range', () => [65_536]],
      ['a host that is not here', () => [0, '192.0.2.1']],
      ['a path in no folder', () => [join(folder, 'none', 'app.sock')]],
      ['an empty object', () => [{}]],
    ])(`fails as ${name} does on %s`, async (_, args) => {
      const ours = await attempt(create(), args(), callback)
      expect(ours.listening).toBe(false)
      expect(ours).toEqual(await attempt(base(), args(), callback))
    })
  })

  describe.each([true, false])('with a callback: %j, a server on a busy port', (callback) => {
    const tries = (app: Application): Promise<string[]> =>
      new Promise((resolve) => {
        const seen: string[] = []
        const given = callback ? [() => void seen.push('callback')] : []
        const server = callListen(app, taken(), ...given)
        server.once('error', () => {
          seen.push('error')
          server.listen(0, () => {
            seen.push('callback of the next port')
            server.close(() => seen.push('closed'))
            setImmediate(resolve, seen)
          })
        })
        server.on('close', () => seen.push('close'))
      })

    it(`tries the next port from an error listener, as with ${name}`, async () => {
      const ours = await tries(create())
      expect(ours).toContain('callback of the next port')
      expect(ours).toEqual(await tries(base()))
    })
  })

  it('serves the application', async () => {
    const server = callListen(
      create({}, () => 'hello'),
      0,
    )
    const { port } = server.address() as AddressInfo
    const [response] = await once(get({ port, agent: false }), 'response')
    expect(await text(response)).toBe('hello')
    server.close()
    await once(server, 'close')
  })

  describe('options', () => {
    it('reach core', async () => {
      const server = callListen(create({ inherit: 'require' }), 0)
      const [error] = await once(server, 'error')
      expect(error.code).toBe('ERR_SOCKET_PORT_NOT_INHERITED')
    })

    it('that are wrong make listen throw', () => {
      const app = create({ drian: {} } as object)
      expect(() => callListen(app, 0)).toThrow(/no option of an attached server "drian"/)
    })
  })
}
