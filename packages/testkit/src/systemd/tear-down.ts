import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { processesIn, removeCgroup } from './cgroup.ts'
import type { KernelLog } from './kernel-log.ts'

export interface BoxParts {
  dir: string
  cgroup: string
  bootId: string
  /** The parent of the box's PID 1. */
  namespaces: ChildProcess
  kernelLog: KernelLog
}

/** The pid of the PID 1 of the box, on the host; `undefined` if it does not run. */
export function initOf(cgroup: string): number | undefined {
  return processesIn(join(cgroup, 'init.scope'))[0]
}

/** Ends every process of a box, and removes its files and cgroups from the host. */
export async function tearDown(parts: BoxParts): Promise<void> {
  const { dir, cgroup, bootId, namespaces, kernelLog } = parts
  if (namespaces.exitCode === null && namespaces.signalCode === null) {
    // When PID 1 ends, the kernel ends every process of its PID namespace. The parent ends after it has waited for PID 1.
    const init = initOf(cgroup) ?? namespaces.pid
    if (init !== undefined) process.kill(init, 'SIGKILL')
    await once(namespaces, 'exit')
  }
  await removeCgroup(cgroup)
  kernelLog.close()
  await rm(dir, { recursive: true })
  const ours = `systemd-private-${bootId.replaceAll('-', '')}-`
  for (const name of await readdir('/tmp')) {
    if (name.startsWith(ours)) await rm(join('/tmp', name), { recursive: true })
  }
}
