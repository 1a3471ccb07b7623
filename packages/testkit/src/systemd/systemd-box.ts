import { join } from 'node:path'
import { innerPid, processesIn } from './cgroup.ts'
import { logHolds, readLog } from './log-file.ts'
import { type Outcome, runIn } from './run-in.ts'
import { type BoxParts, initOf, tearDown } from './tear-down.ts'
import { unitChanges } from './unit-changes.ts'
import { type Units, writeUnits } from './unit-files.ts'

/** A booted systemd with its own processes, mounts and cgroups; the network is shared with the test. */
export class SystemdBox {
  /** The folder of the box, with `units` and `log`. `stop` removes it. */
  readonly dir: string
  /** The folder of the box's cgroup on the host. */
  readonly cgroup: string
  readonly #parts: BoxParts
  #stopped: Promise<void> | undefined

  constructor(parts: BoxParts) {
    this.dir = parts.dir
    this.cgroup = parts.cgroup
    this.#parts = parts
  }

  /** The pid of the PID 1 of the box, on the host. */
  get pid(): number {
    const pid = initOf(this.cgroup)
    if (pid === undefined) throw new Error('No systemd runs in this box')
    return pid
  }

  /** Runs `systemctl` in the box. Does not throw: the outcome has the exit code. */
  systemctl(...args: string[]): Promise<Outcome> {
    return runIn(this.pid, 'systemctl', ['--no-pager', '--no-ask-password', ...args])
  }

  async start(...units: string[]): Promise<void> {
    await this.#must('start', ...units)
  }

  async restart(...units: string[]): Promise<void> {
    await this.#must('restart', ...units)
  }

  /** Resolves when the service has reloaded; with `Type=notify-reload`, when it has sent READY=1. */
  async reload(...units: string[]): Promise<void> {
    await this.#must('reload', ...units)
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

  /** Values of several properties of a unit at one moment. Throws where this systemd has no such property. */
  async properties<Name extends string>(
    unit: string,
    ...names: Name[]
  ): Promise<Record<Name, string>> {
    const shown = await this.#must('show', `--property=${names.join()}`, unit)
    const values = names.map((name) => {
      const value = new RegExp(`^${name}=(.*)$`, 'm').exec(shown)?.[1]
      if (value === undefined) throw new Error(`${unit} has no property ${name}`)
      return [name, value] as const
    })
    return Object.fromEntries(values) as Record<Name, string>
  }

  /**
   * Resolves with the value of the property when it is `wanted`; rejects after `timeout` milliseconds. The value
   * is read when systemd announces a change of the unit. It announces no change of NFileDescriptorStore alone:
   * wait for the STATUS= or READY=1 that the service sends after that.
   */
  async until(
    unit: string,
    property: string,
    wanted: string | ((value: string) => boolean),
    timeout = 30_000,
  ): Promise<string> {
    const fits = typeof wanted === 'string' ? (value: string) => value === wanted : wanted
    const signal = AbortSignal.timeout(timeout)
    let value = ''
    for await (const _ of unitChanges(this.pid, unit, signal)) {
      value = await this.show(unit, property)
      if (fits(value)) return value
    }
    // On a busy machine the time may be over before the first look, or between a change and the look at it.
    if (signal.aborted) {
      value = await this.show(unit, property)
      if (fits(value)) return value
    }
    const why = signal.aborted ? `after ${timeout} ms` : 'when the box ended'
    throw new Error(`${property} of ${unit} was "${value}" ${why}: ${await this.log(unit)}`)
  }

  /** The version of systemd that runs here, such as 257. */
  async version(): Promise<number> {
    return Number.parseInt(await this.#must('show', '--value', '--property=Version'), 10)
  }

  /** Runs `systemd-analyze verify` of units that are installed. */
  verify(...units: string[]): Promise<Outcome> {
    const paths = units.map((unit) => join(this.dir, 'units', unit))
    return runIn(this.pid, 'systemd-analyze', ['verify', ...paths])
  }

  /** PID of the unit's main process as the box numbers it; 0 when none runs. */
  async mainPid(unit: string): Promise<number> {
    return Number(await this.show(unit, 'MainPID'))
  }

  /** PIDs on the host of the processes of a unit. */
  async processesOf(unit: string): Promise<number[]> {
    return processesIn(join(this.cgroup, await this.show(unit, 'ControlGroup')))
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
  log(unit: string): Promise<string> {
    return readLog(join(this.dir, 'log', unit))
  }

  /** Resolves to the unit's log once `words` are in it; rejects after `timeout` milliseconds. */
  logHolds(unit: string, words: string, timeout = 30_000): Promise<string> {
    return logHolds(join(this.dir, 'log', unit), words, timeout)
  }

  /** What systemd itself logged so far. */
  get managerLog(): string {
    return this.#parts.kernelLog.text
  }

  /** Ends every process of the box, and removes its files and cgroups from the host. */
  stop(): Promise<void> {
    this.#stopped ??= tearDown(this.#parts)
    return this.#stopped
  }

  async #must(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.systemctl(...args)
    if (code === 0) return stdout.trim()
    const said = [stderr, this.managerLog, await this.log(args.at(-1) ?? '')].join('\n')
    throw new Error(`systemctl ${args.join(' ')} failed with ${code}: ${said}`)
  }
}
