import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { logHolds } from '@socket-port/testkit/systemd/log-file'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fakeSystemctl } from '../testing/fake-program.ts'
import { closeAll, temporaryDirectory } from '../testing/real-sockets.ts'
import { systemctl } from './systemctl.ts'

afterEach(async () => {
  vi.unstubAllEnvs()
  await closeAll()
})

const ask = (): Promise<string> =>
  systemctl(['--version'], { signal: AbortSignal.timeout(20_000), user: false })

describe('systemctl', () => {
  // systemd signals all processes of a service, those that the main process starts because of the signal too.
  it.each(['TERM', 'INT', 'USR2'])('is run again where SIG%s has ended it', async (signal) => {
    const attempts = join(temporaryDirectory(), 'attempts')
    fakeSystemctl(`echo >> ${attempts}; test -e ${attempts}.2 && echo answer && exit
test -e ${attempts}.1 && touch ${attempts}.2; touch ${attempts}.1; kill -${signal} $$`)
    expect(await ask()).toBe('answer\n')
    expect(readFileSync(attempts, 'utf8')).toBe('\n\n\n')
  })

  it('fails where a signal ends it each time', async () => {
    fakeSystemctl('kill -SEGV $$')
    await expect(ask()).rejects.toMatchObject({ signal: 'SIGSEGV' })
  })

  it('is not run again where it fails by itself, or took too long', async () => {
    const attempts = join(temporaryDirectory(), 'attempts')
    fakeSystemctl(`echo >> ${attempts}; echo 'Access denied' >&2; exit 1`)
    await expect(ask()).rejects.toThrow('Access denied')
    expect(readFileSync(attempts, 'utf8')).toBe('\n')
    const started = `${attempts}.started`
    fakeSystemctl(`echo >> ${started}; exec sleep 600`)
    const controller = new AbortController()
    const asked = systemctl([], { signal: controller.signal, user: false })
    await logHolds(started, '\n', 20_000)
    controller.abort()
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
    expect(readFileSync(started, 'utf8')).toBe('\n')
  })
})
