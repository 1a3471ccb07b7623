import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import { hostname } from 'node:os'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { freePort, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { processesIn } from '@socket-port/testkit/systemd/cgroup'
import {
  bootSystemd,
  pathInBox,
  RELEASES,
  releaseSkipReason,
  type SystemdBox,
  socketActivate,
  type Units,
} from '@socket-port/testkit/systemd/index'
import { afterEach, describe, expect, test } from 'vitest'

const SERVER = fileURLToPath(new URL('../../fixtures/plain-fd3.mjs', import.meta.url))
const STORING = fileURLToPath(new URL('../../fixtures/plain-fd-store.mjs', import.meta.url))

interface Answer {
  pid: number
  LISTEN_PID: string
  LISTEN_FDNAMES: string
}

function ask(port: number, host = '127.0.0.1'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get({ host, port, agent: false }, (response) => {
      resolve(json(response) as Promise<Answer>)
    }).on('error', reject)
  })
}

function shell(command: string, settings = ''): string {
  return `[Service]\nType=oneshot\nExecStart=/bin/sh -c '${command}'\n${settings}`
}

function web(port: number, settings = ''): Units {
  return {
    'web.socket': `[Socket]\nListenStream=${port}\nFileDescriptorName=http\n`,
    'web.service': `[Service]\nExecStart=${pathInBox(process.execPath)} ${pathInBox(SERVER)}\n${settings}`,
  }
}

/** Says what it is told by SIGHUP, the way `Type=notify-reload` has it. */
const RELOADING = `[Service]
Type=notify-reload
NotifyAccess=all
ExecStart=/bin/sh -c 'trap "systemd-notify --reloading; systemd-notify --ready --status=new" HUP; \\
  systemd-notify --ready --status=old; while :; do sleep infinity & wait $!; done'
`

for (const release of RELEASES) {
  const what = `the systemd of ${release}`
  describe(...requireOrSkip(what, await releaseSkipReason(release)), () => {
    const boxes: SystemdBox[] = []
    afterEach(() => Promise.all(boxes.splice(0).map((box) => box.stop())))

    async function boot(units: Units, env: Record<string, string> = {}): Promise<SystemdBox> {
      const box = await bootSystemd({ units, env, release })
      boxes.push(box)
      return box
    }

    test('is running when boot resolves, as PID 1 of its own processes', async () => {
      const box = await boot({})
      expect((await box.systemctl('is-system-running')).stdout).toBe('running\n')
      expect(readFileSync(`/proc/${box.pid}/comm`, 'utf8')).toBe('systemd\n')
      expect(box.hostPid(1)).toBe(box.pid)
      // systemd 257 says so where libbpf is not installed, which nothing here needs.
      const said = box.managerLog.replace(/^.*Failed to open libbpf.*$/m, '')
      expect(said).not.toMatch(/fail|ignoring/i)
    })

    test('has the version that it is there for', async () => {
      const box = await boot({})
      const host = (): number =>
        Number(/\d+/.exec(execFileSync('systemctl', ['--version'], { encoding: 'utf8' })))
      expect(await box.version()).toBe(release === 'host' ? host() : 257)
    })

    test('passes the environment to every service and keeps what they print', async () => {
      const value = 'a "b" \\ %n $HOME \'c\''
      const box = await boot(
        { 'say.service': shell('printenv VALUE; echo oops >&2') },
        { VALUE: value },
      )
      await box.start('say.service')
      expect(await box.log('say.service')).toBe(`${value}\noops\n`)
      expect(await box.show('say.service', 'Result')).toBe('success')
    })

    test('says why a unit did not start', async () => {
      const box = await boot({ 'bad.service': shell('echo no such luck; exit 7') })
      await expect(box.start('bad.service')).rejects.toThrow(/start bad.service.*no such luck/s)
      expect(await box.show('bad.service', 'ExecMainStatus')).toBe('7')
      expect((await box.systemctl('is-failed', 'bad.service')).code).toBe(0)
    })

    test('installs units while it runs', async () => {
      const box = await boot({})
      await box.install({ 'new.service': shell('echo new') })
      await box.start('new.service')
      expect(await box.log('new.service')).toBe('new\n')
    })

    test('activates a service by its socket, again after a restart, a stop and a crash', async () => {
      const port = freePort()
      const box = await boot(web(port))
      await box.start('web.socket')
      expect(await box.mainPid('web.service')).toBe(0)

      const first = await ask(port)
      expect(first).toMatchObject({ LISTEN_PID: String(first.pid), LISTEN_FDNAMES: 'http' })
      expect(await box.mainPid('web.service')).toBe(first.pid)
      expect(readFileSync(`/proc/${box.hostPid(first.pid)}/cmdline`, 'utf8')).toContain(
        pathInBox(SERVER),
      )

      await box.restart('web.service')
      const second = await ask(port, '::1')
      expect(second.pid).not.toBe(first.pid)

      await box.systemctl('stop', 'web.service')
      const third = await ask(port)
      expect(third.pid).not.toBe(second.pid)

      await box.kill('web.service', 'SIGKILL')
      const fourth = await ask(port)
      expect(fourth.pid).not.toBe(third.pid)
    })

    test('keeps an fd in the store across a restart and a crash, not a stop', async () => {
      const port = freePort()
      const box = await boot({
        'keep.service': `[Service]\nType=notify\nEnvironment=PORT=${port}\nFileDescriptorStoreMax=1
Restart=always\nRestartSec=0\nExecStart=${pathInBox(process.execPath)} ${pathInBox(STORING)}\n`,
      })
      const state = () =>
        box.properties('keep.service', 'StatusText', 'NFileDescriptorStore', 'Result')
      await box.start('keep.service')
      expect(await state()).toEqual({
        StatusText: 'bound',
        NFileDescriptorStore: '1',
        Result: 'success',
      })
      const first = await ask(port)

      await box.restart('keep.service')
      expect(await state()).toMatchObject({ StatusText: 'kept', NFileDescriptorStore: '1' })
      const second = await ask(port)
      expect(second.LISTEN_FDNAMES).toBe('kept')
      expect(second.pid).not.toBe(first.pid)

      await box.kill('keep.service', 'SIGKILL')
      const third = await ask(port)
      expect(third.pid).not.toBe(second.pid)
      await box.until('keep.service', 'NRestarts', '1')
      await box.until('keep.service', 'StatusText', 'kept')

      await box.stopUnit('keep.service')
      await expect(ask(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      await box.start('keep.service')
      expect(await state()).toMatchObject({ StatusText: 'bound' })
    })

    test('reloads with notify-reload from 253 on', async () => {
      const box = await boot({ 'reload.service': RELOADING })
      await box.start('reload.service')
      await box.until('reload.service', 'StatusText', 'old')
      const pid = await box.mainPid('reload.service')
      if ((await box.version()) < 253) {
        await expect(box.reload('reload.service')).rejects.toThrow(/not applicable/)
        return
      }
      await box.reload('reload.service')
      expect(await box.show('reload.service', 'StatusText')).toBe('new')
      expect(await box.mainPid('reload.service')).toBe(pid)
    })

    test('tells a change when it comes, and what it was when it does not come', async () => {
      const box = await boot({
        '1-slow.service': `[Service]\nExecStart=/bin/sh -c 'echo up; exec sleep infinity'\n`,
      })
      const pid = box.until('1-slow.service', 'MainPID', (value) => value !== '0')
      const log = box.logHolds('1-slow.service', 'up\n')
      await box.start('1-slow.service')
      expect(await pid).toBe(await box.show('1-slow.service', 'MainPID'))
      expect(await log).toBe('up\n')

      const over = box.until('1-slow.service', 'SubState', 'dead')
      await box.stopUnit('1-slow.service')
      expect(await over).toBe('dead')
      await expect(box.until('1-slow.service', 'SubState', 'running', 50)).rejects.toThrow(
        'SubState of 1-slow.service was "dead" after 50 ms: up',
      )
      await expect(box.logHolds('1-slow.service', 'down', 50)).rejects.toThrow(
        /has no "down" after 50 ms; it has: up/,
      )
      await expect(box.properties('1-slow.service', 'NoSuch')).rejects.toThrow('no property NoSuch')

      let gone: Promise<void> | undefined
      await new Promise<void>((looked) => {
        const never = box.until('1-slow.service', 'SubState', () => {
          looked()
          return false
        })
        gone = expect(never).rejects.toThrow('was "dead" when the box ended')
      })
      await Promise.all([gone, box.stop()])
    })

    test('runs a service under the usual hardening', async () => {
      const port = freePort()
      const hardening = [
        'DynamicUser=yes',
        'ProtectSystem=strict',
        'ProtectHome=yes',
        'PrivateTmp=yes',
        'PrivateDevices=yes',
        'ProtectKernelTunables=yes',
        'ProtectControlGroups=yes',
        'NoNewPrivileges=yes',
        'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
        // V8 protects its code with memory protection keys, which are not in @system-service.
        'SystemCallFilter=@system-service @pkey',
      ]
      const box = await boot(web(port, hardening.join('\n')))
      await box.start('web.socket')
      const { pid } = await ask(port)
      const status = readFileSync(`/proc/${box.hostPid(pid)}/status`, 'utf8')
      expect(/^Uid:\t(\d+)/m.exec(status)?.[1]).not.toBe('0')
    })

    test('leaves no process, mount, cgroup, file or port behind', async () => {
      const before = hostState()
      const port = freePort()
      const stubborn = 'trap "" TERM; setsid sleep infinity & sleep infinity'
      const box = await boot({
        ...web(port, 'PrivateTmp=yes\n'),
        'stubborn.service': `[Service]\nExecStart=/bin/sh -c '${stubborn}'\nKillMode=process\n`,
        'id.service': shell('cat /proc/sys/kernel/random/boot_id; ls -d /tmp/systemd-private-*'),
      })
      await box.start('web.socket', 'stubborn.service')
      await ask(port)
      await box.start('id.service')
      const [id = 'none', privateTmp] = (await box.log('id.service')).split('\n')
      expect(id).not.toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
      expect(privateTmp).toContain(id.replaceAll('-', ''))
      const pids = processesIn(box.cgroup)
      expect(pids.length).toBeGreaterThanOrEqual(5)

      await box.stop()
      expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
      expect([box.cgroup, box.dir, privateTmp].filter((path) => existsSync(path ?? ''))).toEqual([])
      expect(hostState()).toEqual(before)
      openListener({ port }).close()
    })

    test('cannot change the host', async () => {
      const targets = [
        '/etc/socket-port',
        '/usr/socket-port',
        '/sys/kernel/mm/ksm/run',
        '/dev/socket-port',
      ]
      const attempts = targets.map((path) => `echo 1 > ${path}; `)
      const sysctl = 'echo 4096 > /proc/sys/net/core/somaxconn; '
      const box = await boot({
        'intruder.service': shell(`${sysctl}${attempts.join('')}hostname box`),
      })
      const before = hostState()
      await box.start('intruder.service')
      expect((await box.log('intruder.service')).match(/Read-only file system/g)).toHaveLength(4)
      expect(hostState()).toEqual(before)
    })

    test('a boot that does not finish is given up and leaves nothing', async () => {
      const before = hostState()
      const units = { 'booted.service': shell('sleep infinity') }
      await expect(bootSystemd({ units, release, timeout: 500 })).rejects.toMatchObject({
        message: expect.stringMatching(/^systemd did not boot; it logged: /),
        cause: expect.objectContaining({ message: expect.stringContaining('after 500 ms') }),
      })
      expect(hostState()).toEqual(before)
    })

    test('boots ten times in a row, and four at once', async () => {
      for (let round = 0; round < 10; round++)
        await (await bootSystemd({ units: {}, release })).stop()
      const units = { 'id.service': shell('cat /etc/machine-id') }
      const four = await Promise.all([1, 2, 3, 4].map(() => boot(units)))
      await Promise.all(four.map((box) => box.start('id.service')))
      const ids = await Promise.all(four.map((box) => box.log('id.service')))
      expect(new Set(ids).size).toBe(4)
    })
  })
}

/** What a box could have touched and nothing else changes meanwhile. */
function hostState(): Record<string, unknown> {
  const read = (path: string): string => readFileSync(path, 'utf8')
  return {
    mounts: read('/proc/self/mountinfo'),
    hostname: hostname(),
    machineId: read('/etc/machine-id'),
    devices: readdirSync('/dev'),
    etc: readdirSync('/etc'),
    usr: readdirSync('/usr'),
    unixQueue: read('/proc/sys/net/unix/max_dgram_qlen'),
    backlog: read('/proc/sys/net/core/somaxconn'),
  }
}

describe(
  ...requireOrSkip('systemd-socket-activate', commandSkipReason('systemd-socket-activate')),
  () => {
    afterEach(endProcesses)

    test('listens at once and starts the command at the first connection', async () => {
      const port = freePort()
      const command = [process.execPath, SERVER] as const
      const generation = await socketActivate({ listen: [`127.0.0.1:${port}`], command })
      expect(generation.stderr).not.toContain('Execing')
      const { pid, LISTEN_PID, LISTEN_FDNAMES } = await ask(port)
      expect({ pid, LISTEN_PID, LISTEN_FDNAMES }).toEqual({
        pid: generation.pid,
        LISTEN_PID: String(generation.pid),
      })
    })

    test('passes several sockets with their names', async () => {
      const ports = [freePort(), freePort()]
      const generation = await socketActivate({
        listen: ports.map((port) => `[::]:${port}`),
        names: ['web', 'admin'],
        command: [process.execPath, SERVER],
      })
      expect(await ask(ports[0] ?? 0)).toMatchObject({ LISTEN_FDNAMES: 'web:admin' })
      generation.signal('SIGTERM')
      expect(await generation.exit).toMatchObject({ signal: 'SIGTERM' })
    })
  },
)
