import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { onClose } from './applications.ts'

const FIXTURE = fileURLToPath(new URL('../../fixtures/app.mjs', import.meta.url))

/** The fixture application in a process of its own. */
export class Child {
  readonly #child: ChildProcess
  /** What it said, in order. */
  readonly lines: Record<string, unknown>[] = []
  stderr = ''
  readonly exit: Promise<number | null>

  /** `sockets` are passed to it as a socket manager does (sd_listen_fds(3)). */
  constructor(variables: Record<string, unknown>, sockets: Server[] = []) {
    const { RELEASE, ...others } = variables
    const values = Object.entries(others).map(([name, value]) => [name, JSON.stringify(value)])
    const passed = sockets.length === 0 ? {} : { LISTEN_FDS: String(sockets.length) }
    const env = {
      PATH: process.env.PATH,
      RELEASE: String(RELEASE),
      ...Object.fromEntries(values),
      ...passed,
    }
    // The pid is known only after the fork; `exec` keeps it.
    this.#child = spawn(
      '/bin/sh',
      ['-c', 'LISTEN_PID=$$ exec "$0" "$@"', process.execPath, FIXTURE],
      {
        env,
        stdio: ['ignore', 'pipe', 'pipe', ...sockets.map(fdOf)],
      },
    )
    onClose(() => this.#child.kill('SIGKILL'))
    let rest = ''
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      this.lines.push(...lines.map((line) => JSON.parse(line)))
      this.#child.emit('said')
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.exit = once(this.#child, 'close').then(([code]) => {
      this.#child.emit('said')
      return code
    })
  }

  /** The first line that has the key. */
  async printed(key: string): Promise<Record<string, unknown>> {
    for (;;) {
      const line = this.lines.find((said) => key in said)
      if (line !== undefined) return line
      if (this.#child.exitCode !== null) {
        throw new Error(`ended before it said ${key}: ${JSON.stringify(this.lines)}${this.stderr}`)
      }
      await once(this.#child, 'said')
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}

const fdOf = (server: Server): number =>
  (server as unknown as { _handle: { fd: number } })._handle.fd
