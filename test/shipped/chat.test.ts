import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { type Supervised, startSupervised } from '@socket-port/testkit/supervised'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { Chromium, type Tab } from '../src/chromium.ts'
import { CHAT, manifestOf, ROOT, readRoot } from '../src/docs/documents.ts'
import { codeBlocks } from '../src/docs/markdown.ts'

/** What the example calls so that nobody is disconnected. */
const CALLS = /^ *handOver\w+\(.*\)\n/gm

/** A copy of the example, with the packages of this one. */
function copyOfChat(adapt: (code: string) => string = (code) => code): string {
  const folder = mkdtempSync(`${ROOT}test/node_modules/.chat-`)
  onTestFinished(() => rmSync(folder, { recursive: true }))
  cpSync(join(ROOT, CHAT), folder, {
    recursive: true,
    filter: (path) => !/node_modules|\.log$/.test(path),
  })
  for (const name of ['app.mjs', 'server.mjs']) {
    const file = join(folder, name)
    writeFileSync(file, adapt(readFileSync(file, 'utf8')))
  }
  return folder
}

interface Chat {
  supervised: Supervised
  tabs: Tab[]
}

async function start(folder: string): Promise<Chat> {
  const port = freePort()
  const supervised = startSupervised({
    command: [process.execPath, 'server.mjs'],
    args: ['--listen', String(port)],
    env: { PORT: String(port) },
    cwd: folder,
  })
  onTestFinished(() => supervised.dispose())
  await supervised.printed(/generation 1 is ready/)
  const chromium = await Chromium.start()
  onTestFinished(() => chromium.stop())
  const tabs: Tab[] = []
  for (const name of ['Ada', 'Grace']) {
    const tab = await chromium.open(`http://127.0.0.1:${port}/`)
    await tab.evaluate("document.getElementById('name').select()")
    await tab.type(name)
    await tab.evaluate("document.getElementById('text').focus()")
    tabs.push(tab)
  }
  for (const tab of tabs) await tab.until("document.getElementById('names').children.length === 2")
  return { supervised, tabs }
}

const pidOf = async (supervised: Supervised): Promise<number | undefined> =>
  (await supervised.status()).generations[0]?.workers[0]?.pid

/** Reloads while both type; resolves with the number of lines that each has typed. */
async function reloadWhileTyping({ supervised, tabs }: Chat, reloads: number): Promise<number[]> {
  let over = false
  const typing = tabs.map(async (tab) => {
    let lines = 0
    for (; !over; lines += 1) await tab.type(`line ${lines}`)
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
  afterEach(endProcesses)

  test('nobody is disconnected, and nothing is lost, sent twice or out of order', async () => {
    const chat = await start(copyOfChat())
    const [ada = 0, grace = 0] = await reloadWhileTyping(chat, 5)
    for (const tab of chat.tabs) {
      await tab.until(`${LINES}.length >= ${ada + grace}`)
      const lines = await tab.evaluate<string[]>(LINES)
      const of = (name: string): string[] => lines.filter((line) => line.startsWith(name))
      expect(of('Ada')).toEqual(Array.from({ length: ada }, (_, n) => `Ada: line ${n}`))
      expect(of('Grace')).toEqual(Array.from({ length: grace }, (_, n) => `Grace: line ${n}`))
      expect(lines).toEqual(await chat.tabs[0]?.evaluate(LINES))
      expect(tab.webSockets).toEqual({ opened: 1, ended: [] })
      expect(tab.eventSources).toEqual({ opened: 1, ended: [] })
      expect(tab.errors).toEqual([])
      expect(await tab.evaluate("document.getElementById('lost').textContent")).toBe('0')
      expect(await tab.evaluate("document.getElementById('restarts').textContent")).toBe('5')
    }
    const { SCREENSHOTS } = process.env
    if (SCREENSHOTS) {
      await chat.tabs[0]?.screenshot(`${SCREENSHOTS}/light.png`, 'light')
      await chat.tabs[1]?.screenshot(`${SCREENSHOTS}/dark.png`, 'dark')
    }
  })

  test('negative control: without the calls a restart disconnects both', async () => {
    let calls = 0
    const without = (): string => {
      calls += 1
      return ''
    }
    const chat = await start(copyOfChat((code) => code.replace(CALLS, without)))
    expect(calls).toBe(2)
    await reloadWhileTyping(chat, 1)
    for (const { webSockets, eventSources } of chat.tabs) {
      expect(webSockets.ended).not.toEqual([])
      expect(eventSources.ended).not.toEqual([])
    }
  })
})
