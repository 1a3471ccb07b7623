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

/** PID on the host of the box's PID 1; `undefined` where none runs. */
export function initOf(cgroup: string): number | undefined {
  return processesIn(join(cgroup, 'init.scope'))[0]
}

/** Ends every process of a box and removes what it has on the host. */
export async function tearDown(parts: BoxParts): Promise<void> {
  const { dir, cgroup, bootId, namespaces, kernelLog } = parts
  if (namespaces.exitCode === null && namespaces.signalCode === null) {
    // With PID 1 the kernel ends all of its PID namespace; its parent lives on until it has reaped it.
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
