import { readFileSync } from 'node:fs'
import { type Load, startLoad } from '@socket-port/testkit/load/load'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import { releaseSkipReason } from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ROOT, readRoot } from '../../src/docs/documents.ts'
import { codeBlocks } from '../../src/docs/markdown.ts'
import { programsOf } from '../../src/docs/programs.ts'
import { Podman } from '../../src/podman/podman.ts'
import { expectNothingNoticed } from '../handover/box.ts'

const RESTARTS = 3
const CLIENTS = 20

const page = readRoot('docs/docker.md')
const blocks = codeBlocks(page).map(({ code }) => code)
const blockWith = (word: string): string => blocks.find((code) => code.includes(word)) ?? ''
const socket = blockWith('[Socket]')
const quadlet = blockWith('[Container]')
const EXEC = 'Exec=node server.mjs'
const [execOfRun = ''] = /Exec=\S+socket-port run [^`]+/.exec(page) ?? []
const [, reload = ''] = /`podman (exec [^`]+ reload)`/.exec(page) ?? []

describe(
  ...requireOrSkip('the Quadlet of docs/docker.md', await releaseSkipReason('trixie')),
  () => {
    const port = freePort()
    let podman: Podman

    beforeAll(async () => {
      podman = await Podman.boot()
      const [program] = programsOf('README.md')
      await podman.importImage({
        'server.mjs': (program?.code ?? '').replaceAll('8080', String(port)),
        'plain.mjs': readFileSync(`${ROOT}test/fixtures/plain-close.mjs`, 'utf8'),
      })
    })
    afterEach(async () => {
      await podman.box.systemctl('stop', 'app.socket', 'app.service')
      await endProcesses()
    })
    afterAll(() => podman?.stop())

    const log = (): Promise<string> => podman.box.log('app.service')

    async function start(unit: string): Promise<Load> {
      await podman.box.install({
        'app.socket': socket.replace('8080', String(port)),
        'app.service': await podman.generate('app', unit),
      })
      await podman.box.start('app.socket', 'app.service')
      const load = await startLoad({
        target: { port },
        clients: CLIENTS,
        expectId: false,
        think: [0, 20],
      })
      await load.oneRequestEach()
      return load
    }

    it.each([
      ['', quadlet],
      [
        ', nor does room in the fd store help them',
        quadlet.replace('[Service]', '$&\nFileDescriptorStoreMax=4'),
      ],
    ])('is restarted: 0 failed, connections are closed after a response%s', async (_, unit) => {
      const load = await start(unit)
      // Podman passes these notifications of the container on.
      await podman.box.until('app.service', 'StatusText', `listening on http://localhost:${port}`)
      for (let restart = 1; restart <= RESTARTS; restart += 1) {
        await podman.box.restart('app.service')
        await load.oneRequestEach()
      }
      const { failures, connections } = await load.stop()
      expect(failures).toEqual([])
      expect(connections).toBeGreaterThanOrEqual(CLIENTS * (RESTARTS + 1))
      expect(await log()).toContain(`http://localhost:${port} is inherited\n`)
      expect(await log()).not.toMatch(/warning|error/i)
    })

    it('socket-port run in it reloads the program: 0 failed, 0 closed', async () => {
      const load = await start(quadlet.replace(EXEC, execOfRun))
      await podman.run(...reload.split(' '))
      await load.oneRequestEach()
      expectNothingNoticed(await load.stop(), CLIENTS)
      expect(await log()).toMatch(/generation 2 is ready/)
      expect(await log()).not.toMatch(/warning|error/i)
    })

    it('negative control: a program that ends at once loses requests', async () => {
      const plain = quadlet
        .replace(EXEC, 'Exec=node plain.mjs')
        .replace('Notify=true', 'Environment=AT_ONCE=1')
      const load = await start(plain)
      await untilLost(async () => {
        await podman.box.restart('app.service')
        await load.oneRequestEach()
        return load.countsSinceLast()
      })
    })
  },
)
