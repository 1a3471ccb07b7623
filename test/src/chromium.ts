import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { end, track } from '@socket-port/testkit/processes'
import { WebSocket } from 'ws'
import { type Params, Tab } from './tab.ts'

/** A tab must be as quick behind another one, and nothing asks for hosts of its maker. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--remote-debugging-port=0',
]

/** The part of a message of the DevTools protocol that is read here. */
interface Message {
  id?: number
  sessionId?: string
  method?: string
  params?: Params
  result?: Params
  error?: { message: string }
}

/** A Chromium, driven by its DevTools protocol. */
export class Chromium {
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #socket: WebSocket
  readonly #tabs = new Map<string, Tab>()
  readonly #answers = new Map<number, (message: Message) => void>()
  #lastId = 0

  static async start(): Promise<Chromium> {
    const profile = mkdtempSync(join(tmpdir(), 'socket-port-chromium-'))
    const child = spawn('chromium', [...FLAGS, `--user-data-dir=${profile}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    track(child)
    let output = ''
    for await (const line of createInterface(child.stderr)) {
      const [, url] = /^DevTools listening on (ws:\S+)/.exec(line) ?? []
      output += `${line}\n`
      if (url === undefined) continue
      child.stderr.resume()
      const socket = new WebSocket(url)
      await once(socket, 'open')
      return new Chromium(child, profile, socket)
    }
    throw new Error(`chromium has ended: ${output}`)
  }

  private constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child
    this.#profile = profile
    this.#socket = socket
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Message
      const { id, sessionId = '', method = '', params = {} } = message
      if (id !== undefined) this.#answers.get(id)?.(message)
      else this.#tabs.get(sessionId)?.hear(method, params)
    })
  }

  /** Opens a page in a window of its own; resolves when it has loaded. */
  async open(url: string): Promise<Tab> {
    const { targetId } = await this.send('Target.createTarget', {
      url: 'about:blank',
      newWindow: true,
    })
    const attached = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const sessionId = String(attached.sessionId)
    const close = async (): Promise<void> => {
      await this.send('Target.closeTarget', { targetId })
    }
    const tab = new Tab((method, params) => this.send(method, params, sessionId), close)
    this.#tabs.set(sessionId, tab)
    await tab.open(url)
    return tab
  }

  async send(method: string, params: Params = {}, sessionId?: string): Promise<Params> {
    this.#lastId += 1
    const id = this.#lastId
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    const { result, error } = await new Promise<Message>((resolve) =>
      this.#answers.set(id, resolve),
    )
    this.#answers.delete(id)
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result ?? {}
  }

  async stop(): Promise<void> {
    this.#socket.terminate()
    await end(this.#child)
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 3 })
  }
}
