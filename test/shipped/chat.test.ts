import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { startSupervised } from '@socket-port/testkit/supervised'
import {
  bootSystemd,
  pathInBox,
  type SystemdBox,
  systemdSkipReason,
} from '@socket-port/testkit/systemd/index'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Chromium } from '../src/chromium.ts'
import { CHAT, manifestOf, ROOT, readRoot } from '../src/docs/documents.ts'
import { codeBlocks } from '../src/docs/markdown.ts'
import type { Tab } from '../src/tab.ts'

const SERVERS = ['server.mjs', 'socket-io.mjs']
/** What the example calls so that nobody is disconnected. */
const CALLS = /^ *handOver\w+\(.*\)\n/gm

/** A copy of the example, with the packages of this one. */
function copyOfChat(adapt: (code: string) => string): string {
  const folder = mkdtempSync(`${ROOT}test/node_modules/.chat-`)
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const filter = (path: string): boolean => !/node_modules|\.log$/.test(path)
  cpSync(join(ROOT, CHAT), folder, { recursive: true, filter })
  for (const name of ['app.mjs', ...SERVERS]) {
    const file = join(folder, name)
    writeFileSync(file, adapt(readFileSync(file, 'utf8')))
  }
  return folder
}

/** One that serves a copy of the example. */
interface Running {
  port: number
  restart(): Promise<unknown>
  /** Of the process that serves, as it sees it itself. */
  pid(): Promise<number | undefined>
  output(): Promise<string>
}

async function underRun(server: string, folder: string): Promise<Running> {
  const port = freePort()
  const supervised = startSupervised({
    command: [process.execPath, server],
    args: ['--listen', String(port)],
    env: { PORT: String(port) },
    cwd: folder,
  })
  onTestFinished(() => supervised.dispose())
  await supervised.printed(/generation 1 is ready/)
  return {
    port,
    restart: async () => expect(await supervised.ask('reload')).toMatchObject({ code: 0 }),
    pid: async () => (await supervised.status()).generations[0]?.workers[0]?.pid,
    output: async () => supervised.generation.output,
  }
}

async function underSystemd(box: SystemdBox, server: string, folder: string): Promise<Running> {
  const port = freePort()
  const service = [
    'Type=notify',
    'FileDescriptorStoreMax=4',
    `Environment=PORT=${port}`,
    // The checkout is read-only here, and chat.log is for the next process too.
    `RuntimeDirectory=chat${port}`,
    'RuntimeDirectoryPreserve=restart',
    `WorkingDirectory=/run/chat${port}`,
    `ExecStart=${pathInBox(process.execPath)} ${pathInBox(join(folder, server))}`,
  ]
  // The log of a box is by unit, and each test has a port of its own.
  const unit = `chat${port}.service`
  await box.install({
    [`chat${port}.socket`]: `[Socket]\nListenStream=${port}\n`,
    [unit]: `[Unit]\nStartLimitIntervalSec=0\n[Service]\n${service.join('\n')}\n`,
  })
  await box.start(`chat${port}.socket`, unit)
  onTestFinished(() => box.stopUnit(`chat${port}.socket`, unit))
  return {
    port,
    restart: () => box.restart(unit),
    pid: () => box.mainPid(unit),
    output: () => box.log(unit),
  }
}

/** Opens two tabs, whose people have their names. */
async function openTabs(chromium: Chromium, port: number): Promise<Tab[]> {
  const tabs: Tab[] = []
  for (const name of ['Ada', 'Grace']) {
    const tab = await chromium.open(`http://127.0.0.1:${port}/`)
    onTestFinished(() => tab.close())
    tabs.push(tab)
    await tab.evaluate("document.getElementById('name').select()")
    await tab.type(name)
    await tab.evaluate("document.getElementById('text').focus()")
  }
  for (const tab of tabs) {
    await tab.until("document.getElementById('names').innerText === 'Ada\\nGrace'")
  }
  return tabs
}

/** Restarts while both type what must not become HTML; resolves with the number of lines that each has typed. */
async function restartWhileTyping(
  running: Running,
  tabs: readonly Tab[],
  restarts: number,
): Promise<number[]> {
  let over = false
  const typing = tabs.map(async (tab) => {
    let lines = 0
    for (; !over; lines += 1) await tab.type(`<b>${lines}</b>`)
    return lines
  })
  for (let restart = 1; restart <= restarts; restart += 1) {
    await running.restart()
    const pid = await running.pid()
    for (const id of ['message-pid', 'names-pid']) {
      for (const tab of tabs) {
        await tab.until(`document.getElementById('${id}').textContent === '${pid}'`)
      }
    }
  }
  over = true
  return Promise.all(typing)
}

const COUNTS = "['restarts', 'lost'].map((id) => document.getElementById(id).textContent)"
const COMINGS = `[...document.querySelectorAll('.news')].map((news) => news.textContent)
  .filter((news) => / (joined|left)$/.test(news))`
const LINES = `[...document.querySelectorAll('.message')].map((message) =>
  message.querySelector('.from').firstChild.textContent + ': ' + message.querySelector('p').textContent)`

test('its README types scripts that exist', () => {
  const { name, scripts } = manifestOf(CHAT)
  const pnpm = `npx -y ${manifestOf('').packageManager}`
  const known = Object.keys(scripts).map((script) => `${pnpm} --filter ${name} ${script}`)
  const typed = codeBlocks(readRoot(`${CHAT}/README.md`)).flatMap(({ code }) =>
    code.trimEnd().split('\n'),
  )
  expect(typed.sort()).toEqual([...known, `${pnpm} run build`].sort())
})

const systemdReason = await systemdSkipReason()

describe(...requireOrSkip('examples/chat in Chromium', commandSkipReason('chromium')), () => {
  let chromium: Chromium
  beforeAll(async () => {
    chromium = await Chromium.start()
  })
  afterAll(async () => {
    await chromium?.stop()
    await endProcesses()
  })

  /** The tests of a chat that is started so, with a copy of the example as its folder. */
  function behaves(
    start: (server: string, folder: string) => Promise<Running>,
    restarts: number,
  ): void {
    test.each(SERVERS)(
      '%s: nothing is closed, lost, sent twice or out of order',
      async (server) => {
        const running = await start(
          server,
          copyOfChat((code) => code),
        )
        const tabs = await openTabs(chromium, running.port)
        const [ada = 0, grace = 0] = await restartWhileTyping(running, tabs, restarts)
        const [first] = tabs
        for (const tab of tabs) {
          await tab.until(`${LINES}.length >= ${ada + grace}`)
          const lines = await tab.evaluate<string[]>(LINES)
          const of = (name: string): string[] => lines.filter((line) => line.startsWith(name))
          expect(of('Ada')).toEqual(Array.from({ length: ada }, (_, n) => `Ada: <b>${n}</b>`))
          expect(of('Grace')).toEqual(Array.from({ length: grace }, (_, n) => `Grace: <b>${n}</b>`))
          expect(lines).toEqual(await first?.evaluate(LINES))
          expect(await tab.evaluate(COUNTS)).toEqual([String(restarts), '0'])
          // Each once, at the start, and nobody has left.
          expect(await tab.evaluate(COMINGS)).toHaveLength(2)
          expect(tab.webSockets).toEqual({ opened: 1, ended: [] })
          expect(tab.eventSources).toEqual({ opened: 1, ended: [] })
          expect(tab.errors).toEqual([])
        }
        expect(await running.output()).not.toMatch(/warning|error/i)
      },
    )

    test.each(SERVERS)(
      '%s: negative control: without the calls a restart closes',
      async (server) => {
        let calls = 0
        const without = (): string => {
          calls += 1
          return ''
        }
        const running = await start(
          server,
          copyOfChat((code) => code.replace(CALLS, without)),
        )
        expect(calls).toBe(3)
        const tabs = await openTabs(chromium, running.port)
        await restartWhileTyping(running, tabs, 1)
        for (const { webSockets, eventSources } of tabs) {
          expect(webSockets.ended).not.toEqual([])
          expect(eventSources.ended).not.toEqual([])
        }
      },
    )
  }

  describe('under socket-port run', () => behaves(underRun, 5))

  const skipped = requireOrSkip('under systemd', systemdReason)
  describe(...skipped, () => {
    let box: SystemdBox | undefined
    beforeAll(async () => {
      box = await bootSystemd({ units: {} })
    })
    afterAll(() => box?.stop())
    behaves((server, folder) => underSystemd(box as SystemdBox, server, folder), 3)
  })
})
