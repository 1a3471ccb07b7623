import { execFile } from 'node:child_process'

export interface SystemctlOptions {
  /** Ends the question. */
  signal: AbortSignal
  /** Of the user's own systemd. */
  user: boolean
  /** The answer is not worth staying alive for. @default false */
  unref?: boolean
}

/** Runs `systemctl`; resolves with what it prints, rejects with its reason. */
export function systemctl(
  args: readonly string[],
  { signal, user, unref = false }: SystemctlOptions,
): Promise<string> {
  // What is parsed must not depend on the user's language.
  const env = { ...process.env, LC_ALL: 'C', SYSTEMD_COLORS: '0' }
  const options = { env, signal, killSignal: 'SIGKILL', windowsHide: true } as const
  return new Promise((resolve, reject) => {
    const scope = user ? ['--user'] : []
    const child = execFile('systemctl', [...scope, ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(stderr.trim() === '' ? error : new Error(stderr.trim()))
    })
    if (!unref) return
    child.unref()
    for (const stream of [child.stdout, child.stderr]) (stream as { unref?(): void })?.unref?.()
  })
}
