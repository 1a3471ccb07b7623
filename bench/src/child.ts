import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Environment } from './older-build.ts'

/** A process of `processes/`, which answers one question at a time. */
export interface Child<Question, Answer> {
  ask(question: Question): Promise<Answer>
  /** Ends the process and waits until it is gone. */
  end(): Promise<void>
}

export interface ChildOptions {
  /** Options of Node. */
  readonly execArgv?: readonly string[]
  readonly env?: Environment
}

/** Starts a script of `processes/`. Resolves with its first message, which it sends when it is ready. */
export async function startChild<Question, Answer>(
  script: string,
  args: readonly string[] = [],
  { execArgv = [], env = {} }: ChildOptions = {},
): Promise<[Child<Question, Answer>, Answer]> {
  const path = fileURLToPath(new URL(`./processes/${script}.js`, import.meta.url))
  const child = fork(path, args, { execArgv: [...execArgv], env: { ...process.env, ...env } })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const first = await answer<Answer>(child, script)
  return [
    {
      ask(question) {
        const reply = answer<Answer>(child, script)
        child.send(question as object)
        return reply
      },
      end() {
        // The script ends when its channel is closed, as it also is when this process ends.
        if (child.connected) child.disconnect()
        return gone
      },
    },
    first,
  ]
}

function answer<Answer>(child: ChildProcess, script: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`${script} ended with ${child.signalCode ?? `code ${code}`}`))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message as Answer)
    })
  })
}
