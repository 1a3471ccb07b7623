import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { innerPid, processesIn, removeCgroup } from './cgroup.ts'
import type { KernelLog } from './kernel-log.ts'
import { type Outcome, runIn } from './run-in.ts'
import { type Units, writeUnits } from './unit-files.ts'

export interface BoxParts {
  dir: string
  cgroup: string
  bootId: string
  /** The parent of the box's PID 1. */
  namespaces: ChildProcess
  kernelLog: KernelLog
}

/** A booted systemd with its own processes, mounts and cgroups; the network is shared with the test. */
export class SystemdBox {
  /** The box's folder: `units`, `log`. It goes with `stop`. */
  readonly dir: string
  /** The folder of the box's cgroup on the host. */
  readonly cgroup: string
  readonly #bootId: string
  readonly #namespaces: ChildProcess
  readonly #kernelLog: KernelLog
  #stopped: Promise<void> | undefined

  constructor(parts: BoxParts) {
    this.dir = parts.dir
    this.cgroup = parts.cgroup
    this.#bootId = parts.bootId
    this.#namespaces = parts.namespaces
    this.#kernelLog = parts.kernelLog
  }

  /** The box's PID 1, as the host numbers it. */
  get pid(): number {
    const [pid] = this.#init()
    if (pid === undefined) throw new Error('No systemd runs in this box')
    return pid
  }

  /** Runs `systemctl` in the box; a failure is in the outcome. */
  systemctl(...args: string[]): Promise<Outcome> {
    return runIn(this.pid, 'systemctl', ['--no-pager', '--no-ask-password', ...args])
  }

  async start(...units: string[]): Promise<void> {
    await this.#must('start', ...units)
  }

  async restart(...units: string[]): Promise<void> {
    await this.#must('restart', ...units)
  }

  async stopUnit(...units: string[]): Promise<void> {
    await this.#must('stop', ...units)
  }

  /** Sends a signal to the unit's main process. */
  async kill(unit: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#must('kill', '--kill-who=main', `--signal=${signal}`, unit)
  }

  /** Value of one property of a unit, as `systemctl show` prints it. */
  show(unit: string, property: string): Promise<string> {
    return this.#must('show', '--value', `--property=${property}`, unit)
  }

  /** PID of the unit's main process as the box numbers it; 0 when none runs. */
  async mainPid(unit: string): Promise<number> {
    return Number(await this.show(unit, 'MainPID'))
  }

  /** PID on the host of the process that has `pid` in the box. */
  hostPid(pid: number): number {
    const found = processesIn(this.cgroup).find((candidate) => innerPid(candidate) === pid)
    if (found === undefined) throw new Error(`No process ${pid} in this box`)
    return found
  }

  /** Adds or replaces unit files. */
  async install(units: Units): Promise<void> {
    await writeUnits(join(this.dir, 'units'), units)
    await this.#must('daemon-reload')
  }

  /** Everything that the unit's processes wrote to stdout and stderr so far. */
  async log(unit: string): Promise<string> {
    return await readFile(join(this.dir, 'log', unit), 'utf8').catch(() => '')
  }

  /** What systemd itself logged so far. */
  get managerLog(): string {
    return this.#kernelLog.text
  }

  /** Ends every process of the box and leaves nothing of it on the host. */
  stop(): Promise<void> {
    this.#stopped ??= this.#tearDown()
    return this.#stopped
  }

  #init(): number[] {
    return processesIn(join(this.cgroup, 'init.scope'))
  }

  async #tearDown(): Promise<void> {
    const { exitCode, signalCode } = this.#namespaces
    if (exitCode === null && signalCode === null) {
      // With PID 1 the kernel ends all of its PID namespace; its parent lives on until it has reaped it.
      const [init = this.#namespaces.pid] = this.#init()
      if (init !== undefined) process.kill(init, 'SIGKILL')
      await once(this.#namespaces, 'exit')
    }
    await removeCgroup(this.cgroup)
    this.#kernelLog.close()
    await rm(this.dir, { recursive: true })
    const ours = `systemd-private-${this.#bootId.replaceAll('-', '')}-`
    for (const name of await readdir('/tmp')) {
      if (name.startsWith(ours)) await rm(join('/tmp', name), { recursive: true })
    }
  }

  async #must(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.systemctl(...args)
    if (code === 0) return stdout.trim()
    const said = [stderr, this.managerLog, await this.log(args.at(-1) ?? '')].join('\n')
    throw new Error(`systemctl ${args.join(' ')} failed with ${code}: ${said}`)
  }
}
