import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { track } from './processes.ts'

/** The built command. */
export const SOCKET_PORT: string = fileURLToPath(
  new URL('../../packages/cli/dist/main.js', import.meta.url),
)

export interface CommandOptions {
  cwd?: string
  /** Added to the environment. */
  env?: NodeJS.ProcessEnv
}

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
  return ended(start(process.execPath, [SOCKET_PORT, ...args], options))
}

/** As {@link socketPort}, on a terminal of its own (script(1)); there a question gets its answer. */
export async function socketPortOnTerminal(
  args: readonly string[],
  question: string,
  answer: string,
): Promise<CommandEnd> {
  const line = [process.execPath, SOCKET_PORT, ...args].map((word) => `'${word}'`).join(' ')
  const child = start('script', ['--quiet', '--return', '--command', line, '/dev/null'], {})
  let shown = ''
  child.stdout?.on('data', function ask(data: Buffer) {
    shown += data
    if (!shown.includes(question)) return
    child.stdout?.off('data', ask)
    child.stdin?.write(answer)
  })
  return ended(child)
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
