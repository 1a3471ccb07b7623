import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type Load, startLoad } from '../src/load/load.ts'
import type { LoadResult } from '../src/load/result.ts'
import { freePort, openListener } from '../src/native.ts'
import { endProcesses } from '../src/processes.ts'
import { commandSkipReason, requireOrSkip, rootSkipReason } from '../src/requirements.ts'
import {
  isRunning,
  Releases,
  type Supervised,
  type SupervisedOptions,
  startSupervised,
  untilGone,
} from '../src/supervised.ts'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const SERVER = fixture('cli-server.mjs')
const NODE = [process.execPath, SERVER] as const

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await endProcesses()
})

async function start(options: Partial<SupervisedOptions> = {}): Promise<Supervised> {
  const supervised = startSupervised({ command: NODE, ...options })
  cleanups.push(() => supervised.dispose())
  await supervised.said(/generation 1(, worker \d+)? is ready/)
  return supervised
}

function newReleases(): Releases {
  const releases = new Releases()
  cleanups.push(() => releases.dispose())
  return releases
}

interface Who {
  pid: number
  release: string
  generation: string
  worker: string
}

async function who(port: number): Promise<Who> {
  return (await (await fetch(`http://127.0.0.1:${port}/who`)).json()) as Who
}

const pidsOf = async (supervised: Supervised): Promise<number[]> =>
  (await supervised.status()).generations.flatMap(({ workers }) => workers.map(({ pid }) => pid))

async function underLoad(
  port: number,
  act: (load: Load) => Promise<void>,
  rtt = 0,
): Promise<LoadResult> {
  const load = await startLoad({
    rtt,
    ...{ target: { port }, clients: 30, method: 'mixed', connection: 'mixed', think: [0, 20] },
  })
  cleanups.push(() => load.dispose())
  await load.round()
  await act(load)
  await load.round()
  return load.stop()
}

function expectNothingLost({ failures, failed, requests }: LoadResult): void {
  expect(failures).toEqual([])
  expect(failed).toBe(0)
  expect(requests).toBeGreaterThan(0)
}

/** Ends in order, and leaves nothing behind. */
async function expectStops(supervised: Supervised, code = 0): Promise<void> {
  const pids = await pidsOf(supervised)
  supervised.generation.signal('SIGTERM')
  expect(await supervised.generation.exit).toMatchObject({ code, signal: null })
  expect(pids.filter(isRunning)).toEqual([])
}

/** How many descriptors the supervisor has open once a single process is left. */
async function openFds(supervised: Supervised): Promise<number> {
  while ((await pidsOf(supervised)).length > 1);
  return readdirSync(`/proc/${supervised.pid}/fd`).length
}

describe('a reload', () => {
  it('ten times under load: 0 failed, and the command says which generation serves', async () => {
    const supervised = await start()
    const port = await supervised.port()
    const before = await openFds(supervised)
    const result = await underLoad(port, async (load) => {
      for (let generation = 2; generation <= 11; generation += 1) {
        expect(await supervised.ask('reload')).toMatchObject({
          ...{ code: 0, stdout: `generation ${generation} serves\n` },
        })
        await load.warm(100)
      }
    })
    expectNothingLost(result)
    // The connection that asked may be open for a moment more; a leak would be there for ever.
    while ((await openFds(supervised)) > before) await setTimeout(5)
    await expectStops(supervised)
  })

  it('negative control: with plain server.close() it loses requests', async () => {
    const args = ['--listen', '127.0.0.1:0', '--ready', 'port']
    const supervised = await start({
      command: [process.execPath, fixture('plain-close.mjs')],
      args,
    })
    const result = await underLoad(
      await supervised.port(),
      async (load) => {
        for (let reload = 0; reload < 5; reload += 1) {
          expect((await supervised.ask('reload')).code).toBe(0)
          await load.warm(100)
        }
      },
      20,
    )
    expect(result.failed).toBeGreaterThan(0)
  })

  it('a storm of SIGHUP under load: 0 failed, and the last one counts', async () => {
    const seconds = Number(process.env.SOCKET_PORT_STORM_SECONDS ?? 4)
    const supervised = await start()
    const port = await supervised.port()
    const result = await underLoad(port, async () => {
      const end = performance.now() + seconds * 1000
      for (let wait = 50; performance.now() < end; wait = wait >= 250 ? 50 : wait + 50) {
        process.kill(supervised.pid, 'SIGHUP')
        await setTimeout(wait)
      }
      expect((await supervised.ask('reload')).code).toBe(0)
    })
    expectNothingLost(result)
    const { reloads, generations } = await supervised.status()
    expect(reloads.failed).toBe(0)
    expect(reloads.succeeded).toBeGreaterThan(2)
    expect(generations[0]).toMatchObject({ number: reloads.succeeded + 1 })
    expect(generations[0]?.workers).toMatchObject([{ state: 'ready' }])
    await expectStops(supervised)
  })

  it('follows a symlinked release directory, and reads the environment file anew', async () => {
    const releases = newReleases()
    const file = `${releases.directory}/env`
    writeFileSync(file, 'RELEASE=one')
    releases.deploy(`exec "${process.execPath}" "${SERVER}"`)
    const args = ['--listen', '127.0.0.1:0', '--env-file', file]
    const supervised = await start({ command: [releases.server], args })
    const port = await supervised.port()
    expect(await who(port)).toMatchObject({ release: 'one' })
    writeFileSync(file, 'RELEASE=two')
    releases.deploy(`RELEASE="$RELEASE of new code" exec "${process.execPath}" "${SERVER}"`)
    expect((await supervised.ask('reload')).code).toBe(0)
    expect(await who(port)).toMatchObject({ release: 'two of new code' })
  })

  it('finds the new release where it starts in a symlinked directory', async () => {
    const releases = newReleases()
    releases.deploy(`RELEASE=one exec "${process.execPath}" "${SERVER}"`)
    const args = ['--listen', '127.0.0.1:0', '--cwd', `${releases.directory}/current`]
    const supervised = await start({ command: ['./server'], args })
    releases.deploy(`RELEASE=two exec "${process.execPath}" "${SERVER}"`)
    expect((await supervised.ask('reload')).code).toBe(0)
    expect(await who(await supervised.port())).toMatchObject({ release: 'two' })
  })
})

describe('a generation that fails', () => {
  const run = `exec "${process.execPath}" "${SERVER}"`
  const CASES: [string, string | undefined, number, RegExp][] = [
    [
      'ends before it is ready',
      `MODE=fail ${run}`,
      0o755,
      /ended before it was ready.*exit code 1[\s\S]*\| .*no such table: users/,
    ],
    [
      'ends right after',
      `MODE=leave ${run}`,
      0o755,
      /ended (right after it became|before it was) ready.*exit code 9/,
    ],
    ['hangs', `MODE=hang ${run}`, 0o755, /was not ready after 1\d\d\d ms.*has not sent READY=1/],
    ['is killed', 'kill -KILL $$', 0o755, /SIGKILL/],
    ['may not be executed', run, 0o644, /cannot be executed/],
    ['is not there', undefined, 0, /was not found/],
    [
      'lets a child of its speak',
      `"${process.execPath}" "${SERVER}"`,
      0o755,
      /READY=1 came from process \d+.*--notify-access all/,
    ],
  ]

  it('of each kind under load: 0 failed, the old one serves on, and the command says why', async () => {
    const releases = newReleases()
    releases.deploy(run)
    const args = ['--listen', '127.0.0.1:0', '--ready-timeout', '1500']
    const env = { INHERIT: 'prefer' }
    const supervised = await start({ command: [releases.server], args, env })
    const port = await supervised.port()
    const { pid } = await who(port)
    const result = await underLoad(port, async () => {
      for (const [, script, mode, message] of CASES) {
        releases.deploy(script, mode)
        const { code, stderr } = await supervised.ask('reload')
        expect(code).toBe(1)
        expect(stderr).toMatch(message)
        expect((await who(port)).pid).toBe(pid)
      }
      releases.deploy(run)
      expect((await supervised.ask('reload')).code).toBe(0)
      await untilGone(pid)
      expect((await who(port)).pid).not.toBe(pid)
    })
    expectNothingLost(result)
    expect(await supervised.status()).toMatchObject({
      reloads: { succeeded: 1, failed: CASES.length },
    })
    await expectStops(supervised)
  })

  it('the first of all ends the command, with what is wrong', async () => {
    const supervised = startSupervised({ command: NODE, env: { MODE: 'fail' } })
    cleanups.push(() => supervised.dispose())
    expect(await supervised.generation.exit).toMatchObject({ code: 1 })
    expect(supervised.generation.output).toMatch(
      /no such table: users[\s\S]*ended before it was ready/,
    )
  })

  it('again and again after it was ready: longer and longer waits, told plainly', async () => {
    const supervised = await start()
    const port = await supervised.port()
    for (const failures of [2, 3, 4]) {
      await expect(fetch(`http://127.0.0.1:${port}/crash`)).rejects.toThrow()
      if (failures === 2) continue
      const waits = `failed ${failures - 1} times in a row; it is started again in \\d+ ms`
      await supervised.said(new RegExp(waits))
    }
    expect((await who(port)).generation).toBe('1')
    expect((await supervised.status()).restarts).toBe(3)
    expect(supervised.generation.output).toContain('left unasked: exit code 7')
  })
})

describe('the end', () => {
  it('stop drains, tells when all is over, and frees the name', async () => {
    const supervised = await start()
    const pids = await pidsOf(supervised)
    expect(await supervised.ask('stop')).toMatchObject({
      code: 0,
      stdout: 'every process has ended\n',
    })
    expect(await supervised.generation.exit).toMatchObject({ code: 0 })
    expect(pids.filter(isRunning)).toEqual([])
    expect((await supervised.ask('status')).code).toBe(3)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    '%s in the middle of a reload leaves nothing',
    async (signal) => {
      const releases = newReleases()
      releases.deploy(`exec "${process.execPath}" "${SERVER}"`)
      const supervised = await start({ command: [releases.server] })
      releases.deploy(`MODE=hang exec "${process.execPath}" "${SERVER}"`)
      const reload = supervised.ask('reload')
      await supervised.said(/generation 1 is ready/)
      const pids = await bothGenerations(supervised)
      process.kill(supervised.pid, signal)
      expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
      expect(pids.filter(isRunning)).toEqual([])
      expect(await reload).toMatchObject({ code: 1 })
    },
  )

  it('a process that does not end in time is ended, and the exit code says so', async () => {
    const args = ['--listen', '127.0.0.1:0', '--drain-timeout', '300', '--ready', 'log:up']
    const command = ['/bin/sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done']
    await expectStops(await start({ command, args }), 5)
  })

  it('SIGKILL of the supervisor leaves no process that serves', async () => {
    const supervised = await start({ args: ['--listen', '127.0.0.1:0', '--workers', '2'] })
    await supervised.said(/generation 1, worker 2 is ready/)
    const pids = await pidsOf(supervised)
    expect(pids).toHaveLength(2)
    process.kill(supervised.pid, 'SIGKILL')
    for (const pid of pids) await untilGone(pid)
  })

  it('takes the place of one that was killed', async () => {
    const port = freePort('127.0.0.1')
    const args = ['--listen', `127.0.0.1:${port}`]
    const first = await start({ args })
    const [pid = 0] = await pidsOf(first)
    process.kill(first.pid, 'SIGKILL')
    await untilGone(pid)
    await expectStops(await start({ args }))
  })
})

async function bothGenerations(supervised: Supervised): Promise<number[]> {
  for (;;) {
    const pids = await pidsOf(supervised)
    if (pids.length === 2) return pids
  }
}

describe('workers', () => {
  it.each([
    ['one by one', []],
    ['all at once', ['--all-at-once']],
    ['with a socket each', ['--reuse-port']],
  ])('%s under load: 0 failed, and the load is shared', async (_, more) => {
    const args = ['--listen', '127.0.0.1:0', '--workers', '2', ...more]
    const supervised = await start({ args })
    await supervised.said(/generation 1, worker 2 is ready/)
    const port = await supervised.port()
    const result = await underLoad(port, async (load) => {
      for (let reload = 0; reload < 4; reload += 1) {
        expect((await supervised.ask('reload')).code).toBe(0)
        await load.warm(100)
      }
    })
    expectNothingLost(result)
    const [newest] = (await supervised.status()).generations
    expect(newest).toMatchObject({ number: 5 })
    expect(newest?.workers.map(({ worker }) => worker).toSorted()).toEqual([1, 2])
    await expectStops(supervised)
  })

  it('one that dies is replaced, while the other serves', async () => {
    const supervised = await start({ args: ['--listen', '127.0.0.1:0', '--workers', '2'] })
    await supervised.said(/generation 1, worker 2 is ready/)
    const [first = 0] = await pidsOf(supervised)
    process.kill(first, 'SIGKILL')
    await supervised.said(/left unasked: SIGKILL[\s\S]*is ready/)
    expect((await who(await supervised.port())).generation).toBe('1')
    const pids = await pidsOf(supervised)
    expect(pids).toHaveLength(2)
    expect(pids).not.toContain(first)
  })
})

describe('what is passed', () => {
  it('sockets that it has inherited itself, with their names', async () => {
    const listener = openListener({ host: '127.0.0.1' })
    cleanups.push(() => listener.close())
    const supervised = await start({ args: [], sockets: [{ fd: listener.fd, name: 'web' }] })
    expect(supervised.generation.output).toContain(`:${listener.port} (web), inherited`)
    expect((await who(listener.port)).generation).toBe('1')
    expect((await supervised.ask('reload')).code).toBe(0)
    expect((await who(listener.port)).generation).toBe('2')
  })

  it('what processes have stored: a server that binds its own port is reloaded without loss', async () => {
    const port = freePort()
    const env = { PORT: String(port), STORE: '1', INHERIT: 'prefer' }
    const supervised = await start({ args: [], env })
    const result = await underLoad(port, async (load) => {
      for (let reload = 0; reload < 5; reload += 1) {
        expect((await supervised.ask('reload')).code).toBe(0)
        await load.warm(100)
      }
    })
    expectNothingLost(result)
    expect((await supervised.status()).stored).toHaveLength(1)
    await expectStops(supervised)
  })

  it('idle connections, from one process to the next: clients see not even a close', async () => {
    const supervised = await start()
    const port = await supervised.port()
    const load = await startLoad({ target: { port }, clients: 20, think: [0, 20] })
    cleanups.push(() => load.dispose())
    await load.round()
    for (let reload = 0; reload < 5; reload += 1) {
      expect((await supervised.ask('reload')).code).toBe(0)
      await load.warm(100)
    }
    expect(await load.stop()).toMatchObject({ failed: 0, closedByServer: 0, connections: 20 })
  })

  it('signals that mean nothing here', async () => {
    const command = [
      '/bin/sh',
      '-c',
      'trap "echo got it" USR2; echo up; while :; do sleep 0.05; done',
    ]
    const supervised = await start({ command, args: ['--ready', 'log:up'] })
    process.kill(supervised.pid, 'SIGUSR2')
    await supervised.said(/got it/)
  })
})

describe(...requireOrSkip('programs in other languages', commandSkipReason('python3')), () => {
  const PYTHON = `
import ctypes, os, socket
systemd = ctypes.CDLL('libsystemd.so.0')
assert systemd.sd_listen_fds(1) == 1 and systemd.sd_is_socket(3, 0, 1, 1) > 0
server = socket.socket(fileno=3)
READY
while True:
    client, _ = server.accept()
    client.recv(65536)
    client.sendall(b'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 6\\r\\n\\r\\npython')
    client.close()
`
  // poll(2) in place of accept(2), as much of the standard library waits.
  const POLL = 'import select; poll = select.poll(); poll.register(3, 1); poll.poll()'

  it.each([
    ['notify', 'accept', "systemd.sd_notify(0, b'READY=1')"],
    ['port', 'accept', 'pass'],
    ['port', 'poll', POLL],
  ])('Python with libsystemd, --ready %s, in %s(2)', async (ready, _, line) => {
    const args = ['--listen', '127.0.0.1:0', '--ready', ready]
    const command = ['python3', '-c', PYTHON.replace('READY', line)]
    const supervised = await start({ command, args })
    const port = await supervised.port()
    expect((await supervised.ask('reload')).code).toBe(0)
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('python')
    await expectStops(supervised)
  })
})

describe(...requireOrSkip('PID 1 of a container', rootSkipReason()), () => {
  it('collects what has lost its parent, and ends in order', async () => {
    const prefix = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
    // The subshell ends at once, so its child is the supervisor's; ended and not collected, it would
    // still be in /proc.
    const script = `orphan=$( (sleep 0.1 >&- & echo $!) ); [ -e /proc/$orphan ] && echo up
      while [ -e /proc/$orphan ]; do sleep 0.02; done; echo collected; exec sleep 60`
    const command = ['/bin/sh', '-c', script]
    const supervised = startSupervised({ command, prefix, args: ['--ready', 'log:up'] })
    cleanups.push(() => supervised.dispose())
    await supervised.said(/collected/)
    await supervised.said(/generation 1 is ready/)
    const children = `/proc/${supervised.pid}/task/${supervised.pid}/children`
    process.kill(Number(readFileSync(children, 'utf8')), 'SIGTERM')
    expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
  })
})

describe(...requireOrSkip('programs in C', commandSkipReason('gcc')), () => {
  const C = `
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int sd_listen_fds(int unset_environment);
int sd_listen_fds_with_names(int unset_environment, char ***names);
int sd_is_socket(int fd, int family, int type, int listening);
int sd_notify(int unset_environment, const char *state);
int main(void) {
  char **names;
  char request[4096];
  if (sd_listen_fds_with_names(0, &names) != 1 || sd_is_socket(3, 0, SOCK_STREAM, 1) <= 0) return 1;
  if (sd_listen_fds(1) != 1) return 1;
  printf("socket %s\\n", names[0]);
  fflush(stdout);
  sd_notify(0, "READY=1\\nSTATUS=in C");
  for (;;) {
    int client = accept(3, 0, 0);
    if (read(client, request, sizeof request) > 0)
      dprintf(client, "HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 1\\r\\n\\r\\nC");
    close(client);
  }
}
`
  it('with libsystemd: the sockets, their names, and READY=1', async () => {
    const { directory } = newReleases()
    const [source, program] = [`${directory}/client.c`, `${directory}/client`]
    writeFileSync(source, C)
    execFileSync('gcc', ['-o', program, source, '-l:libsystemd.so.0'])
    const supervised = await start({ command: [program], args: ['--listen', 'web=127.0.0.1:0'] })
    expect(supervised.generation.output).toContain('socket web\n')
    expect((await supervised.ask('reload')).code).toBe(0)
    const port = await supervised.port()
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('C')
    await expectStops(supervised)
  })
})
