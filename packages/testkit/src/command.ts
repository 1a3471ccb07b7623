import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { track } from './processes.ts'

/** The built command. */
export const SOCKET_PORT: string = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url))

export interface CommandOptions {
  cwd?: string
  /** Added to the environment. */
  env?: NodeJS.ProcessEnv
  /** Words before the command, such as {@link PRIVATE_RUN}. */
  prefix?: readonly string[]
}

/**
 * Runs a command with a `/run` of its own, which is empty. The `socket-port` of root looks there for the
 * control sockets of every `run`, and must find those of a test alone. Another user cannot look into it.
 */
export const PRIVATE_RUN: readonly string[] =
  process.getuid?.() === 0
    ? ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /run && exec "$0" "$@"']
    : []

export interface CommandEnd {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `socket-port` with these arguments and an empty stdin to its end. */
export async function socketPort(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandEnd> {
  const [file = '', ...words] = [...(options.prefix ?? []), process.execPath, '--', SOCKET_PORT]
  return ended(start(file, [...words, ...args], options))
}

/** A `socket-port` on a terminal of its own (script(1)). */
export interface OnTerminal {
  /** Resolves when the screen has shown the text; rejects when the command ends before. */
  shown(what: RegExp): Promise<RegExpMatchArray>
  type(keys: string): void
  readonly end: Promise<CommandEnd>
}

export function startOnTerminal(args: readonly string[]): OnTerminal {
  const words = [process.execPath, '--', SOCKET_PORT, ...args].map((word) => `'${word}'`)
  return typeOnTerminal(words.join(' '))
}

/** The same for any command line. */
export function typeOnTerminal(typed: string, options: CommandOptions = {}): OnTerminal {
  // Without exec, the shell would get a Ctrl-C too, and dash would then exit with another code.
  const line = `exec ${typed}`
  const child = start('script', ['--quiet', '--return', '--command', line, '/dev/null'], options)
  let screen = ''
  let look = (): void => {}
  child.stdout?.on('data', (data: Buffer) => {
    screen += data
    look()
  })
  const end = ended(child)
  return {
    end,
    type: (keys) => void child.stdin?.write(keys),
    shown: (what) =>
      new Promise((resolve, reject) => {
        look = () => {
          const match = screen.match(what)
          if (match !== null) resolve(match)
        }
        look()
        void end.then(() => reject(new Error(`the screen has not shown ${what}:\n${screen}`)))
      }),
  }
}

/** As {@link socketPort}, on a terminal, where `answer` is typed after the question. */
export async function socketPortOnTerminal(
  args: readonly string[],
  question: RegExp,
  answer: string,
): Promise<CommandEnd> {
  const terminal = startOnTerminal(args)
  await terminal.shown(question)
  terminal.type(answer)
  return terminal.end
}

function start(file: string, args: readonly string[], { cwd, env }: CommandOptions): ChildProcess {
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, detached: true })
  track(child)
  return child
}

function ended(child: ChildProcess): Promise<CommandEnd> {
  const end: CommandEnd = { code: null, stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    end.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    end.stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...end, code }))
  })
}
