import { childProcess } from '../base/built-in.ts'
import { runThroughSignals } from '../base/signalled.ts'

/** How long in milliseconds a drain waits for systemd, which answers within milliseconds. */
export const DRAIN_PATIENCE = 3_000

export interface SystemctlOptions {
  /** Kills systemctl. */
  signal: AbortSignal
  /** Ask the systemd of the user (`--user`). */
  user: boolean
  /** Do not keep the process running for the answer. @default false */
  unref?: boolean
}

/** Runs `systemctl`. Resolves with what it prints; rejects with what it prints to stderr. */
export const systemctl = (args: readonly string[], options: SystemctlOptions): Promise<string> =>
  runThroughSignals(() => runOnce(args, options))

function runOnce(
  args: readonly string[],
  { signal, user, unref = false }: SystemctlOptions,
): Promise<string> {
  // The output is parsed, so it must not depend on the language of the user.
  const env = { ...process.env, LC_ALL: 'C', SYSTEMD_COLORS: '0' }
  const options = { env, signal, killSignal: 'SIGKILL', windowsHide: true } as const
  return new Promise((resolve, reject) => {
    const scope = user ? ['--user'] : []
    const child = childProcess().execFile(
      'systemctl',
      [...scope, ...args],
      options,
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(stderr.trim() === '' ? error : new Error(stderr.trim()))
      },
    )
    if (!unref) return
    child.unref()
    for (const stream of [child.stdout, child.stderr]) (stream as { unref?(): void })?.unref?.()
  })
}
