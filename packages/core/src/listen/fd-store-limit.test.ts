import { afterEach, describe, expect, it, vi } from 'vitest'
import { fakeSystemctl } from '../testing/fake-program.ts'
import { closeAll } from '../testing/real-sockets.ts'
import { storeProblem } from './fd-store-limit.ts'

const CGROUP = '0::/system.slice/app.service\n'
const PID = String(process.pid)

afterEach(async () => {
  vi.unstubAllEnvs()
  await closeAll()
})

function startedBySystemd(most: number | undefined, pid: string | undefined = PID): void {
  vi.stubEnv('INVOCATION_ID', '4711')
  vi.stubEnv('FDSTORE', most === undefined ? undefined : String(most))
  vi.stubEnv('SYSTEMD_EXEC_PID', pid)
}

const storeOf = (pid: number, most: number, stored: number): void =>
  fakeSystemctl(
    `printf '%s\\n' MainPID=${pid} FileDescriptorStoreMax=${most} NFileDescriptorStore=${stored}`,
  )

const failing = (): void => fakeSystemctl('echo "Access denied" >&2; exit 1')

describe('room in the fd store', () => {
  it('is certain without systemctl where fewer descriptors can be stored than the unit allows', async () => {
    startedBySystemd(2)
    failing()
    expect(await storeProblem(1, CGROUP)).toBeUndefined()
  })

  it.each([
    ['sockets of a .socket unit were passed as well', 1, 0, true],
    ['the store is full', 1, 1, false],
    ['the store was made smaller', 1, 3, false],
  ])('is asked of systemd if %s', async (_, most, stored, room) => {
    startedBySystemd(most)
    storeOf(process.pid, most, stored)
    const problem = await storeProblem(3, CGROUP)
    if (room) expect(problem).toBeUndefined()
    else {
      expect(problem).toBe(
        `the fd store of the unit has no room for certain: it takes ${most} (${stored} are). ` +
          'Set FileDescriptorStoreMax=4 or more in it',
      )
    }
  })

  it('is not certain if systemd does not answer', async () => {
    startedBySystemd(1)
    failing()
    expect(await storeProblem(1, CGROUP)).toMatch(/it takes 1 \(1 may be stored; Access denied\)/)
    expect(await storeProblem(1, '0::/\n')).toMatch(/this process belongs to no service/)
  })

  it.each(['1', ''])(
    'is not certain in a process that systemd has not started: SYSTEMD_EXEC_PID=%j',
    async (pid) => {
      startedBySystemd(16, pid)
      storeOf(1, 16, 0)
      expect(await storeProblem(0, CGROUP)).toMatch(/this is not its main process/)
    },
  )

  it.each([
    ['252 (252.39-1~deb12u1)', undefined],
    ['253.1', undefined],
    [
      '254',
      'systemd has set no $FDSTORE: the unit has no fd store. Set FileDescriptorStoreMax=2 or more in it',
    ],
    ['257 (257.8-1~deb13u2)', expect.stringContaining('has no fd store')],
  ])('without FDSTORE depends on the version of systemd: %s', async (version, problem) => {
    startedBySystemd(undefined)
    fakeSystemctl(`test "$*" = --version && echo 'systemd ${version}'`)
    expect(await storeProblem(1, CGROUP)).toEqual(problem)
  })

  it('without FDSTORE is not certain if the version is not known', async () => {
    startedBySystemd(undefined)
    failing()
    expect(await storeProblem(1, CGROUP)).toMatch(/its version is not known \(Access denied\)/)
    fakeSystemctl('echo v1')
    expect(await storeProblem(1, CGROUP)).toContain('systemctl --version has printed "v1\\n"')
  })

  it('is left to the probe under another manager', async () => {
    startedBySystemd(undefined)
    vi.stubEnv('INVOCATION_ID', undefined)
    failing()
    expect(await storeProblem(1, CGROUP)).toBeUndefined()
  })
})
