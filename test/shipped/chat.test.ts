import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { type Supervised, startSupervised } from '@socket-port/testkit/supervised'
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

interface Chat {
  supervised: Supervised
  tabs: Tab[]
}

async function start(
  chromium: Chromium,
  server: string,
  adapt = (code: string): string => code,
): Promise<Chat> {
  const port = freePort()
  const supervised = startSupervised({
    command: [process.execPath, server],
    args: ['--listen', String(port)],
    env: { PORT: String(port) },
    cwd: copyOfChat(adapt),
  })
  onTestFinished(() => supervised.dispose())
  await supervised.printed(/generation 1 is ready/)
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
  return { supervised, tabs }
}

const pidOf = async (supervised: Supervised): Promise<number | undefined> =>
  (await supervised.status()).generations[0]?.workers[0]?.pid

/** Reloads while both type what must not become HTML; resolves with the number of lines that each has typed. */
async function reloadWhileTyping({ supervised, tabs }: Chat, reloads: number): Promise<number[]> {
  let over = false
  const typing = tabs.map(async (tab) => {
    let lines = 0
    for (; !over; lines += 1) await tab.type(`<b>${lines}</b>`)
    return lines
  })
  for (let reload = 1; reload <= reloads; reload += 1) {
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    const pid = await pidOf(supervised)
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

describe(...requireOrSkip('examples/chat in Chromium', commandSkipReason('chromium')), () => {
  let chromium: Chromium
  beforeAll(async () => {
    chromium = await Chromium.start()
  })
  afterAll(async () => {
    await chromium?.stop()
    await endProcesses()
  })

  test.each(SERVERS)('%s: nothing is closed, lost, sent twice or out of order', async (server) => {
    const { supervised, tabs } = await start(chromium, server)
    const [ada = 0, grace = 0] = await reloadWhileTyping({ supervised, tabs }, 5)
    const [first] = tabs
    for (const tab of tabs) {
      await tab.until(`${LINES}.length >= ${ada + grace}`)
      const lines = await tab.evaluate<string[]>(LINES)
      const of = (name: string): string[] => lines.filter((line) => line.startsWith(name))
      expect(of('Ada')).toEqual(Array.from({ length: ada }, (_, n) => `Ada: <b>${n}</b>`))
      expect(of('Grace')).toEqual(Array.from({ length: grace }, (_, n) => `Grace: <b>${n}</b>`))
      expect(lines).toEqual(await first?.evaluate(LINES))
      expect(await tab.evaluate(COUNTS)).toEqual(['5', '0'])
      // Each once, at the start, and nobody has left.
      expect(await tab.evaluate(COMINGS)).toHaveLength(2)
      expect(tab.webSockets).toEqual({ opened: 1, ended: [] })
      expect(tab.eventSources).toEqual({ opened: 1, ended: [] })
      expect(tab.errors).toEqual([])
    }
    expect(supervised.generation.output).not.toMatch(/warning|error/i)
  })

  test.each(SERVERS)('%s: negative control: without the calls a restart closes', async (server) => {
    let calls = 0
    const without = (): string => {
      calls += 1
      return ''
    }
    const chat = await start(chromium, server, (code) => code.replace(CALLS, without))
    expect(calls).toBe(3)
    await reloadWhileTyping(chat, 1)
    for (const { webSockets, eventSources } of chat.tabs) {
      expect(webSockets.ended).not.toEqual([])
      expect(eventSources.ended).not.toEqual([])
    }
  })
})
