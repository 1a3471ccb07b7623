import { existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder where this host has cgroup v2 mounted, alone or beside v1; `undefined` without one. */
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

/** Removes the cgroup and those below it, after the last of their processes has ended. */
export async function removeCgroup(cgroup: string): Promise<void> {
  await emptied(cgroup)
  for (const folder of [...tree(cgroup)].reverse()) await rmdir(folder)
}

/** Waits for the last process to end: the kernel then marks cgroup.events as modified. Before that, rmdir fails with EBUSY. */
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

/** The cgroup and all cgroups below it, parents first. */
function* tree(cgroup: string): Generator<string> {
  yield cgroup
  const entries = whileThere(() => readdirSync(cgroup, { withFileTypes: true })) ?? []
  for (const entry of entries) if (entry.isDirectory()) yield* tree(join(cgroup, entry.name))
}

/** Returns the result of `read`; `undefined` if the file is gone, because systemd removes cgroups and processes end meanwhile. */
function whileThere<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ESRCH') return undefined
    throw error
  }
}
