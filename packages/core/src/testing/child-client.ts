import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { RequestOptions } from 'node:http'
import { createInterface } from 'node:readline'

const PROGRAM = `
const { Agent, get } = require('node:http')
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
process.on('message', (to) => {
  get({ ...to, agent }, (response) => {
    const { statusCode, headers } = response
    const done = () => console.log(statusCode + ' ' + headers.connection)
    response.resume().on('end', () => setImmediate(done))
  }).on('error', (error) => console.log(error.code))
})`

/** A client in a process of its own, with one keep-alive connection. */
export class ChildClient {
  readonly #child: ChildProcess
  readonly #to: RequestOptions
  readonly #lines: AsyncIterator<string>

  constructor(to: RequestOptions) {
    this.#to = to
    this.#child = spawn(process.execPath, ['-e', PROGRAM], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    const output = this.#child.stdout as NodeJS.ReadableStream
    this.#lines = createInterface(output)[Symbol.asyncIterator]()
  }

  /** Returns the status and the `Connection` header of the response, or the code of an error. */
  async ask(): Promise<string> {
    this.#child.send(this.#to)
    return (await this.#lines.next()).value
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
