import { readFileSync } from 'node:fs'
import { parseServiceName } from './cgroup.ts'
import { DRAIN_PATIENCE, systemctl } from './systemctl.ts'

/**
 * Whether systemd starts this service again after the process has ended, and keeps its fd store until then.
 * A process gets the same SIGTERM at `systemctl restart` and at `systemctl stop`, and at a stop systemd
 * closes the store. Rejects when systemd does not answer.
 */
export async function nextProcessComes(
  cgroup: string = readFileSync('/proc/self/cgroup', 'utf8'),
  patience: number = DRAIN_PATIENCE,
): Promise<boolean> {
  const service = parseServiceName(cgroup)
  if (service === undefined) throw new Error('this process belongs to no service of systemd')
  const { unit, user } = service
  const signal = AbortSignal.timeout(patience)
  const ask = (...args: string[]): Promise<string> =>
    systemctl(args, { signal, user }).catch((error: Error) => {
      throw signal.aborted ? new Error(`systemctl took more than ${patience} ms`) : error
    })
  const job = jobOf(unit, await ask('list-jobs', '--no-legend', '--plain', '--full'))
  if (job === 'restart' || job === 'start') return true
  const shown = await ask('show', '--property=Restart,FileDescriptorStorePreserve', '--', unit)
  // After a drain the process exits with 0, so Restart=on-failure does not start it again.
  return job === undefined ? /^Restart=(always|on-success)$/m.test(shown) : isPreserved(shown)
}

/** The type of the unit's job (`restart`, `stop`) in the output of `list-jobs`; `undefined` without a job. Pure. */
export const jobOf = (unit: string, jobs: string): string | undefined =>
  jobs
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, name]) => name === unit)?.[2]

// Since systemd 254 (systemd.service(5)).
const isPreserved = (shown: string): boolean => /^FileDescriptorStorePreserve=yes$/m.test(shown)
