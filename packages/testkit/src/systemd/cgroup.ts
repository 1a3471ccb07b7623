import { existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Where this host has cgroup v2 mounted, alone or beside v1; `undefined` where it has not. */
export function cgroup2Mount(): string | undefined {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [mount, superBlock] = line.split(' - ')
    const [, , , , point = '', flags = ''] = mount?.split(' ') ?? []
    if (!superBlock?.startsWith('cgroup2 ') || !flags.split(',').includes('rw')) continue
    if (existsSync(join(point, 'cgroup.procs'))) return point
  }
  return undefined
}

/** Creates a cgroup below the host's cgroup2 mount and returns its folder. */
export function createCgroup(name: string): string {
  const mount = cgroup2Mount()
  if (mount === undefined) throw new Error('No writable cgroup2 mount in /proc/self/mountinfo')
  const cgroup = join(mount, name)
  mkdirSync(cgroup)
  return cgroup
}

/** PIDs of every process in the cgroup and below it, as the caller's PID namespace numbers them. */
export function processesIn(cgroup: string): number[] {
  const lines = [...tree(cgroup)].flatMap((folder) => {
    const procs = whileThere(() => readFileSync(join(folder, 'cgroup.procs'), 'utf8'))
    return procs?.split('\n') ?? []
  })
  return lines.filter(Boolean).map(Number)
}

/** PID that the process has in its own, innermost namespace; `undefined` once it is gone. */
export function innerPid(pid: number): number | undefined {
  const status = whileThere(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? ''
  const inner = /^NSpid:.*\t(\d+)$/m.exec(status)?.[1]
  return inner === undefined ? undefined : Number(inner)
}

/** Removes the cgroup and those below it once the last of their processes has left. */
export async function removeCgroup(cgroup: string): Promise<void> {
  await emptied(cgroup)
  for (const folder of [...tree(cgroup)].reverse()) await rmdir(folder)
}

/** The kernel marks cgroup.events as modified when the last process is gone; before, rmdir is EBUSY. */
function emptied(cgroup: string): Promise<void> {
  const events = join(cgroup, 'cgroup.events')
  return new Promise((resolve, reject) => {
    const check = (): void => {
      if (!readFileSync(events, 'utf8').includes('populated 0')) return
      watcher.close()
      resolve()
    }
    const watcher = watch(events, check).on('error', reject)
    check()
  })
}

/** The cgroup and all below it, parents first. */
function* tree(cgroup: string): Generator<string> {
  yield cgroup
  const entries = whileThere(() => readdirSync(cgroup, { withFileTypes: true })) ?? []
  for (const entry of entries) if (entry.isDirectory()) yield* tree(join(cgroup, entry.name))
}

/** systemd removes a unit's cgroup, and processes end, between a listing and the read of what it listed. */
function whileThere<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ESRCH') return undefined
    throw error
  }
}
