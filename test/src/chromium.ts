import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { end, track } from '@socket-port/testkit/processes'
import { WebSocket } from 'ws'

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

type Params = Readonly<Record<string, unknown>>
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

/** What the browser saw of the page's own WebSockets and EventSources. */
interface Connections {
  opened: number
  /** How each one ended. */
  ended: string[]
}

export class Tab {
  readonly #send: (method: string, params?: Params) => Promise<Params>
  readonly webSockets: Connections = { opened: 0, ended: [] }
  readonly eventSources: Connections = { opened: 0, ended: [] }
  /** What the page wrote to its console as an error, and what it threw. */
  readonly errors: string[] = []
  readonly #streams = new Set<unknown>()
  #loaded: (() => void) | undefined

  readonly close: () => Promise<void>

  constructor(
    send: (method: string, params?: Params) => Promise<Params>,
    close: () => Promise<void>,
  ) {
    this.#send = send
    this.close = close
  }

  async open(url: string): Promise<void> {
    for (const domain of ['Page', 'Network', 'Runtime']) await this.#send(`${domain}.enable`)
    await this.#send('Emulation.setFocusEmulationEnabled', { enabled: true })
    const loaded = new Promise<void>((resolve) => {
      this.#loaded = resolve
    })
    await this.#send('Page.navigate', { url })
    await loaded
  }

  hear(method: string, params: Params): void {
    const { requestId, type } = params
    if (method === 'Page.loadEventFired') this.#loaded?.()
    if (method === 'Network.webSocketCreated') this.webSockets.opened += 1
    if (method === 'Network.webSocketClosed') this.webSockets.ended.push('closed')
    if (method === 'Network.webSocketFrameError') {
      this.webSockets.ended.push(String(params.errorMessage))
    }
    if (method === 'Network.requestWillBeSent' && type === 'EventSource') {
      this.eventSources.opened += 1
      this.#streams.add(requestId)
    }
    if (method === 'Network.loadingFinished' && this.#streams.has(requestId)) {
      this.eventSources.ended.push('finished')
    }
    if (method === 'Network.loadingFailed' && this.#streams.has(requestId)) {
      this.eventSources.ended.push(String(params.errorText))
    }
    if (method === 'Runtime.exceptionThrown') this.errors.push(JSON.stringify(params))
  }

  /** Evaluates an expression in the page, and waits for it if it is a promise. */
  async evaluate<T>(expression: string): Promise<T> {
    const options = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', options)
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
    return (result as { value: T }).value
  }

  /** Resolves when the expression is true in the page, which is looked at after each change of its elements. */
  async until(expression: string): Promise<void> {
    await this.evaluate(`new Promise((resolve) => {
      const look = () => (${expression}) && (observer.disconnect(), resolve())
      const observer = new MutationObserver(look)
      const all = { subtree: true, childList: true, characterData: true, attributes: true }
      observer.observe(document, all)
      look()
    })`)
  }

  /** Types a line into the element that has the focus, by the keyboard. */
  async type(line: string): Promise<void> {
    await this.#send('Input.insertText', { text: line })
    const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' }
    await this.#send('Input.dispatchKeyEvent', { ...enter, type: 'keyDown' })
    await this.#send('Input.dispatchKeyEvent', { ...enter, type: 'keyUp' })
  }

  /** Writes a picture of the page, as somebody sees it who likes it light or dark. */
  async screenshot(file: string, scheme: 'light' | 'dark'): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value: scheme }]
    await this.#send('Emulation.setEmulatedMedia', { features })
    const { data } = await this.#send('Page.captureScreenshot')
    writeFileSync(file, Buffer.from(String(data), 'base64'))
  }
}
