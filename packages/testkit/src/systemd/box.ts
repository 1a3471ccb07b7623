import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Release, systemdBinary, systemdSkipReason } from './availability.ts'
import { spawnSystemd } from './boot-script.ts'
import { cgroup2Mount, createCgroup, removeCgroup } from './cgroup.ts'
import { debianRoot } from './debian-root.ts'
import { KernelLog } from './kernel-log.ts'
import { SystemdBox } from './systemd-box.ts'
import { BOOTED, readUnits, skeleton, type Units, writeUnits } from './unit-files.ts'

export interface BootOptions {
  /** Unit files by name, or the folder that contains them. The box starts none of them; call `start`. */
  units: Units | string
  /** Environment of every service in the box. */
  env?: Record<string, string>
  /**
   * Which systemd to boot.
   * @default 'host'
   */
  release?: Release
  /**
   * Milliseconds after which a boot counts as failed.
   * @default 30_000
   */
  timeout?: number
}

/** A box's folder and its cgroup are named after the process that booted it. */
const PREFIX = 'socket-port-box-'

let swept: Promise<void> | undefined

/** Boots a real systemd, as PID 1 of its own namespaces, and resolves when it is `running`. */
export async function bootSystemd(options: BootOptions): Promise<SystemdBox> {
  const { units, env = {}, release = 'host', timeout = 30_000 } = options
  const { root, systemd } = await installation(release)

  const tmp = await realpath(tmpdir())
  swept ??= sweep(tmp)
  await swept
  const dir = await mkdtemp(join(tmp, `${PREFIX}${process.pid}-`))
  const bootId = randomUUID()
  for (const folder of ['none', 'log']) await mkdir(join(dir, folder))
  await writeFile(join(dir, 'boot-id'), `${bootId}\n`)
  await writeFile(join(dir, 'machine-id'), `${bootId.replaceAll('-', '')}\n`)
  await writeUnits(join(dir, 'units'), {
    ...skeleton(join(dir, 'log'), env),
    ...(typeof units === 'string' ? await readUnits(units) : units),
  })

  const kernelLog = new KernelLog(join(dir, 'kmsg'))
  const cgroup = createCgroup(basename(dir))
  const namespaces = spawnSystemd({ dir, cgroup, root, systemd, tmp })
  const box = new SystemdBox({ dir, cgroup, bootId, namespaces, kernelLog })
  try {
    await booted(namespaces, kernelLog, timeout)
    const { stdout, stderr } = await box.systemctl('is-system-running', '--wait')
    if (stdout.trim() !== 'running') throw new Error(`systemd is ${stdout}${stderr}`)
  } catch (cause) {
    await box.stop()
    throw new Error(`systemd did not boot; it logged: ${kernelLog.text}`, { cause })
  }
  return box
}

/** The root file system, an empty path for that of the host, and the path of systemd in it. */
async function installation(release: Release): Promise<{ root: string; systemd: string }> {
  if (release !== 'host') {
    return { root: await debianRoot(release), systemd: '/usr/lib/systemd/systemd' }
  }
  const systemd = systemdBinary()
  if (systemd === undefined) throw new Error(systemdSkipReason())
  return { root: '', systemd }
}

function booted(namespaces: ChildProcess, log: KernelLog, timeout: number): Promise<void> {
  let said = ''
  namespaces.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`not booted after ${timeout} ms ${said}`))
    const timer = setTimeout(late, timeout)
    namespaces.once('error', reject).once('exit', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`ended with ${code ?? signal} ${said}`))
    })
    log.holds(BOOTED).then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** Removes the cgroups and folders of boxes whose test run was killed. Their processes ended with it. */
async function sweep(tmp: string): Promise<void> {
  const mount = cgroup2Mount()
  if (mount === undefined) return
  const names = [...(await readdir(mount)), ...(await readdir(tmp))]
  for (const name of new Set(names.filter((name) => name.startsWith(PREFIX)))) {
    if (existsSync(`/proc/${name.slice(PREFIX.length).split('-')[0]}`)) continue
    if (existsSync(join(mount, name))) await removeCgroup(join(mount, name))
    await rm(join(tmp, name), { recursive: true, force: true })
  }
}
