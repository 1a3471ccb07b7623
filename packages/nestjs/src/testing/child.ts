import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

const FIXTURES = new URL('../../fixtures/', import.meta.url).pathname
const RESOLVE_OLDER = new URL('../../../../test/fixtures/frameworks/older.mjs', import.meta.url)
  .href

/** A process that runs a fixture on the NestJS that the test is for. */
export class Child {
  readonly #child: ChildProcess
  /** `'SIGTERM'` by a signal, else the exit code. */
  readonly ended: Promise<NodeJS.Signals | number | null>
  output = ''

  constructor(fixture: string, env: Record<string, string>) {
    const { PATH, OLDER } = process.env
    const hooks = OLDER === undefined ? [] : ['--import', RESOLVE_OLDER]
    const args = [...hooks, `${FIXTURES}${fixture}`]
    this.#child = spawn(process.execPath, args, { env: { PATH, OLDER, ...env } })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
    this.ended = once(this.#child, 'close').then(([code, signal]) => signal ?? code)
  }

  get lines(): string[] {
    return this.output.trimEnd().split('\n')
  }

  /** The first match in its output; rejects when it ends without one. */
  async printed(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = this.output.match(pattern)
      if (match !== null) return match
      const more = once(this.#child.stdout ?? this.#child, 'data').then(() => undefined)
      const end = await Promise.race([more, this.ended])
      if (end !== undefined) throw new Error(`${end} before ${pattern}: ${this.output}`)
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async dispose(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
