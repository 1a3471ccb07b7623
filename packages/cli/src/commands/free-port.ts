import { lookup } from 'node:dns/promises'
import { createInterface } from 'node:readline/promises'
import { type KillPortOptions, killPort } from '@socket-port/core/kill-port'
import { UsageError } from '../base/errors.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import { type Io, styled, writeJson } from '../base/io.ts'
import { quote } from '../base/quote.ts'

export interface FreeJob {
  port: number
  /** The address to free. @default every one */
  host?: string
  /** Do not ask before. */
  yes: boolean
  force: boolean
  json: boolean
  /** Milliseconds from SIGTERM to SIGKILL. */
  timeout?: number
}

/** The output of `free --json`. */
interface FreeResult {
  port: number
  free: boolean
  /** The processes that were signalled. */
  signalled: { pid: number; command: string; uid: number }[]
  error: { code: string; message: string } | null
}

/** Frees the port, after a question unless `yes`, and prints what it did. */
export async function free(job: FreeJob, io: Io): Promise<ExitCode> {
  const { port, host, yes, force, json, timeout } = job
  if (!yes && !io.stdin.isTTY) {
    throw new UsageError('free asks before it ends a process: pass --yes without a terminal')
  }
  if (host !== undefined) await checkHost(host)
  const confirm: KillPortOptions['confirm'] = yes
    ? undefined
    : (holders) => {
        for (const { pid, command, uid } of holders) {
          io.stderr.write(`Port ${port} is held by pid ${pid}, user ${uid}: ${command}\n`)
        }
        return confirmed(holders.length === 1 ? 'End it?' : `End all ${holders.length}?`, io)
      }
  const result: FreeResult = { port, free: true, signalled: [], error: null }
  try {
    const { killed } = await killPort(port, { host, force, timeout, confirm })
    result.signalled = killed.map(({ pid, command, uid }) => ({ pid, command, uid }))
  } catch (error) {
    if (!json || !(error instanceof Error) || !('code' in error)) throw error
    result.free = false
    result.error = { code: String(error.code), message: error.message }
  }
  if (json) writeJson(io, result)
  else io.stdout.write(sentence(result))
  return result.free ? 0 : 1
}

// Core takes a name that does not resolve for one on which no process listens: its bind reports the name.
async function checkHost(host: string): Promise<void> {
  try {
    await lookup(host)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new UsageError(
      `--host ${quote(host)} does not resolve (${code}): pass an address of this machine, or leave it out for all`,
    )
  }
}

function sentence({ port, signalled }: FreeResult): string {
  if (signalled.length === 0) return `Port ${port} is free; no process held it.\n`
  const ended = signalled.map(({ pid, command }) => `pid ${pid} (${command})`).join(', ')
  return `Port ${port} is free: ${ended} ended.\n`
}

/** Asks on the terminal. Only `y` or `yes` confirms; Ctrl-C and Ctrl-D do not. */
async function confirmed(question: string, { stdin, stderr }: Io): Promise<boolean> {
  const dialog = createInterface({ input: stdin, output: stderr, terminal: stderr.isTTY ?? false })
  const aborted = new AbortController()
  dialog.once('SIGINT', () => aborted.abort())
  dialog.once('close', () => aborted.abort())
  try {
    const prompt = `${question} ${styled(stderr, 'dim', '[y/N]')} `
    return /^y(es)?$/i.test((await dialog.question(prompt, { signal: aborted.signal })).trim())
  } catch {
    stderr.write('\n')
    return false
  } finally {
    dialog.close()
  }
}
