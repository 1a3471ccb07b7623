import { afterEach, describe, expect, it, vi } from 'vitest'
import { fakeSystemctl } from '../testing/fake-program.ts'
import { closeAll } from '../testing/real-sockets.ts'
import { jobOf, nextProcessComes } from './restart-job.ts'

afterEach(async () => {
  vi.unstubAllEnvs()
  await closeAll()
})

const CGROUP = '0::/system.slice/app.service\n'

describe('jobOf', () => {
  it.each([
    ['a restart', '92 app.service restart running\n', 'restart'],
    ['a stop', ' 8 app.socket stop done\n92 app.service stop running\n', 'stop'],
    ['none', '', undefined],
    [
      'none of this unit',
      '92 myapp.service stop running\n93 app.service.d stop waiting\n',
      undefined,
    ],
    ['words instead', 'No jobs running.\n', undefined],
  ])('reads %s', (_, jobs, job) => {
    expect(jobOf('app.service', jobs)).toBe(job)
  })

  it('compares names literally', () => {
    expect(jobOf('app@a\\x2db.service', '1 app@a\\x2db.service restart running\n')).toBe('restart')
  })
})

describe('the next process', () => {
  const systemd = (job: string, ...properties: string[]): void =>
    fakeSystemctl(`case "$1" in
list-jobs) echo '92 app.service ${job} running' ;;
show) printf '%s\\n' ${properties.join(' ')} ;;
esac`)

  it.each([
    ['restart', [], true],
    ['start', [], true],
    ['stop', ['Restart=always'], false],
    ['stop', ['Restart=no', 'FileDescriptorStorePreserve=restart'], false],
    ['stop', ['Restart=no', 'FileDescriptorStorePreserve=yes'], true],
  ])('after a %s, with %j: %s', async (job, properties, comes) => {
    systemd(job, ...properties)
    expect(await nextProcessComes(CGROUP)).toBe(comes)
  })

  it.each([
    ['no', false],
    ['on-failure', false],
    ['on-success', true],
    ['always', true],
  ])('after a signal that systemd did not send, with Restart=%s: %s', async (restart, comes) => {
    fakeSystemctl(`case "$1" in show) echo Restart=${restart} ;; esac`)
    expect(await nextProcessComes(CGROUP)).toBe(comes)
  })

  it('is asked of the systemd of the user for a service of the user', async () => {
    fakeSystemctl(`test "$1" = --user && echo '92 app.service restart running'`)
    const cgroup = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/app.service\n'
    expect(await nextProcessComes(cgroup)).toBe(true)
  })

  it('is not known if systemd does not answer', async () => {
    fakeSystemctl('echo "Failed to connect to bus" >&2; exit 1')
    await expect(nextProcessComes(CGROUP)).rejects.toThrow('Failed to connect to bus')
    fakeSystemctl('exec sleep 600')
    await expect(nextProcessComes(CGROUP, 50)).rejects.toThrow('systemctl took more than 50 ms')
  })

  it('is not known outside of a service', async () => {
    await expect(nextProcessComes('0::/\n')).rejects.toThrow('belongs to no service of systemd')
  })
})
