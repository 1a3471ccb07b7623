import { spawnSync } from 'node:child_process'

/**
 * Name and options of a suite that needs `what`: it runs where `reason` is undefined, is skipped under a
 * name that says the reason elsewhere, and throws in CI, where nothing may be skipped.
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

/** Why what only Linux has cannot be tested here. */
export function linuxSkipReason(platform: string = process.platform): string | undefined {
  return platform === 'linux' ? undefined : `needs Linux, and this is ${platform}`
}

/** Why what Windows does not have cannot be tested here. */
export function unixSkipReason(): string | undefined {
  return process.platform === 'win32' ? 'Windows has no unix socket in a file' : undefined
}

/** Why what only root may do cannot be tested here. */
export function rootSkipReason(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root'
}

/** Why what needs a command on PATH cannot be tested here. */
export function commandSkipReason(command: string): string | undefined {
  return spawnSync(command, ['--version']).error ? `${command} is not installed` : undefined
}
