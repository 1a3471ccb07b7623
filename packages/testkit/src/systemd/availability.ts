import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cgroup2Mount } from './cgroup.ts'
import { debianRoot } from './debian-root.ts'

/** The systemd of this machine, or that of a Debian release that is downloaded for the tests. */
export type Release = 'host' | 'trixie'

/**
 * The releases to test with, from SOCKET_PORT_RELEASES. `host` is the systemd of this machine, `trixie` that of
 * Debian 13 (257). `pnpm run systemd` tests with both. A suite runs with each:
 *
 *     for (const release of RELEASES) {
 *       describe(...requireOrSkip(`… on ${release}`, await releaseSkipReason(release)), () => {
 *         … await bootSystemd({ units, release })
 */
export const RELEASES: readonly Release[] = releases(process.env.SOCKET_PORT_RELEASES)

function releases(text = 'host'): Release[] {
  return text.split(',').map((name) => {
    if (name === 'host' || name === 'trixie') return name
    throw new Error(`SOCKET_PORT_RELEASES names "${name}"; known are host and trixie`)
  })
}

const NAMESPACES = ['--pid', '--fork', '--mount', '--cgroup', '--uts', '--ipc']

/** Where the systemd binary is, `undefined` where it is not installed. */
export function systemdBinary(): string | undefined {
  return ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'].find((path) => existsSync(path))
}

/** Why the systemd of this machine cannot be booted here; `undefined` if it can. */
export function systemdSkipReason(): string | undefined {
  const reason = boxSkipReason()
  if (reason !== undefined || systemdBinary() !== undefined) return reason
  return 'systemd is not installed (apt-get install systemd)'
}

/**
 * Why the systemd of `release` cannot be booted here; `undefined` if it can. Builds the root file system of the
 * release first if it is missing, which takes about a minute, once per machine.
 */
export async function releaseSkipReason(release: Release): Promise<string | undefined> {
  if (release === 'host') return systemdSkipReason()
  const reason = boxSkipReason()
  if (reason !== undefined) return reason
  return debianRoot(release).then(
    () => undefined,
    (error: Error) => error.message.replace(/\s+/g, ' '),
  )
}

/** Why no systemd at all can be booted here; `undefined` if one can. */
function boxSkipReason(): string | undefined {
  if (process.platform !== 'linux') return `systemd needs Linux, this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'booting systemd needs root'
  if (cgroup2Mount() === undefined) return 'no writable cgroup2 mount on this host'
  for (const tool of ['unshare', 'nsenter', 'setpriv']) {
    if (spawnSync(tool, ['--version']).error) return `${tool} is missing (util-linux)`
  }
  const { status, stderr } = spawnSync('unshare', [...NAMESPACES, '--mount-proc', 'true'])
  return status === 0 ? undefined : `namespaces are not permitted: ${String(stderr).trim()}`
}
