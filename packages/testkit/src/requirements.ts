import { spawnSync } from 'node:child_process'

/**
 * Returns the name and the options of a suite that needs `what`. Without a `reason` the suite runs. With one it is
 * skipped, and its name contains the reason. In CI, where no test may be skipped, a reason is an error.
 *
 *     describe(...requireOrSkip('a real systemd', systemdSkipReason()), () => { … })
 */
export function requireOrSkip(
  what: string,
  reason: string | undefined,
): [name: string, options: { skip: boolean }] {
  if (reason === undefined) return [what, { skip: false }]
  if (process.env.CI) throw new Error(`CI must not skip what needs ${what}: ${reason}`)
  return [`${what} (skipped: ${reason})`, { skip: true }]
}

/** Why a test that needs Linux cannot run here; `undefined` if it can. */
export function linuxSkipReason(platform: string = process.platform): string | undefined {
  return platform === 'linux' ? undefined : `needs Linux, and this is ${platform}`
}

/** Why a test that needs unix sockets cannot run here; `undefined` if it can. */
export function unixSkipReason(): string | undefined {
  return process.platform === 'win32' ? 'Windows has no unix socket in a file' : undefined
}

/** Why a test that needs root cannot run here; `undefined` if it can. */
export function rootSkipReason(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root'
}

/** Why a test that needs this command on PATH cannot run here; `undefined` if it can. */
export function commandSkipReason(command: string): string | undefined {
  return spawnSync(command, ['--version']).error ? `${command} is not installed` : undefined
}
