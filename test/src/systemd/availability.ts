import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cgroup2Mount } from './cgroup.ts'

const NAMESPACES = ['--pid', '--fork', '--mount', '--cgroup', '--uts', '--ipc']

/** Where the systemd binary is, `undefined` where it is not installed. */
export function systemdBinary(): string | undefined {
  return ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'].find((path) => existsSync(path))
}

/** Why a systemd cannot be booted here, in words; `undefined` where it can. */
export function systemdSkipReason(): string | undefined {
  if (process.platform !== 'linux') return `systemd needs Linux, this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'booting systemd needs root'
  if (systemdBinary() === undefined) return 'systemd is not installed (apt-get install systemd)'
  if (cgroup2Mount() === undefined) return 'no writable cgroup2 mount on this host'
  for (const tool of ['unshare', 'nsenter', 'setpriv']) {
    if (spawnSync(tool, ['--version']).error) return `${tool} is missing (util-linux)`
  }
  const { status, stderr } = spawnSync('unshare', [...NAMESPACES, '--mount-proc', 'true'])
  return status === 0 ? undefined : `namespaces are not permitted: ${String(stderr).trim()}`
}
