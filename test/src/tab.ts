export type Params = Readonly<Record<string, unknown>>

/** What the browser saw of the page's own WebSockets and EventSources. */
interface Connections {
  opened: number
  /** How each one ended. */
  ended: string[]
}

/** A page in a Chromium, with what the browser tells about it. */
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
}
