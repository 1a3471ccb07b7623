import { execFileSync, spawnSync } from 'node:child_process'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import { Releases, type Supervised } from '@socket-port/testkit/supervised'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectStops, start } from './supervising.ts'

// The library itself is part of every systemd; its headers would be a package more.
const LIBRARY = '-l:libsystemd.so.0'
const EMPTY = 'int main(void) { return 0; }'

/** Why a command that uses libsystemd cannot be run here. */
function skipReason(
  needs: string,
  command: string,
  args: string[],
  input = '',
): string | undefined {
  return spawnSync(command, args, { input }).status === 0 ? undefined : `needs ${needs}`
}

async function answer(supervised: Supervised): Promise<string> {
  return (await fetch(`http://127.0.0.1:${await supervised.port()}`)).text()
}

const IMPORT = "import ctypes; systemd = ctypes.CDLL('libsystemd.so.0')"
const noPython = skipReason('python3 and libsystemd', 'python3', ['-c', IMPORT])

describe(...requireOrSkip('Python with libsystemd', noPython), () => {
  const PYTHON = `
import socket
${IMPORT}
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
  ])('--ready %s, in %s(2)', async (ready, _, line) => {
    const args = ['--listen', '127.0.0.1:0', '--ready', ready]
    const command = ['python3', '-c', PYTHON.replace('READY', line)]
    const supervised = await start({ command, args })
    expect((await supervised.ask('reload')).code).toBe(0)
    expect(await answer(supervised)).toBe('python')
    await expectStops(supervised)
  })
})

const noC = skipReason(
  'gcc and libsystemd',
  'gcc',
  ['-x', 'c', '-o', '/dev/null', '-', LIBRARY],
  EMPTY,
)

describe(...requireOrSkip('C with libsystemd', noC), () => {
  const C = `
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int sd_listen_fds(int unset_environment);
int sd_listen_fds_with_names(int unset_environment, char ***names);
int sd_is_socket(int fd, int family, int type, int listening);
int sd_notify(int unset_environment, const char *state);
int sd_watchdog_enabled(int unset_environment, uint64_t *usec);
int main(void) {
  char **names, request[4096];
  uint64_t usec = 0;
  int count = sd_listen_fds_with_names(0, &names);
  for (int i = 0; i < count; i++)
    printf("fd %d: %s, %s\\n", 3 + i, names[i], sd_is_socket(3 + i, 0, SOCK_STREAM, 1) > 0 ? "listens" : "?");
  int enabled = sd_watchdog_enabled(1, &usec);
  printf("watchdog: %d, %" PRIu64 "\\n", enabled, usec);
  fflush(stdout);
  if (sd_listen_fds(1) != count || count < 1) return 1;
  sd_notify(0, "READY=1\\nSTATUS=in C");
  for (;;) {
    int client = accept(3, 0, 0);
    if (read(client, request, sizeof request) > 0)
      dprintf(client, "HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 1\\r\\n\\r\\nC");
    close(client);
  }
}
`
  let program: string
  beforeAll(() => {
    const releases = new Releases()
    program = `${releases.directory}/client`
    execFileSync('gcc', ['-Wall', '-Werror', '-x', 'c', '-o', program, '-', LIBRARY], { input: C })
    return () => releases.dispose()
  })

  it('each process of each generation gets the sockets and their names, and is heard', async () => {
    const sockets = ['--listen', 'web=127.0.0.1:0', '--listen', 'admin=127.0.0.1:0']
    const args = [...sockets, '--workers', '2', '--watchdog', '0']
    const supervised = await start({ command: [program], args })
    await supervised.printed(/generation 1, worker 2 is ready/)
    expect((await supervised.ask('reload')).code).toBe(0)
    expect(await answer(supervised)).toBe('C')
    const [{ workers } = { workers: [] }] = (await supervised.status()).generations
    expect(workers).toMatchObject([{ status: 'in C' }, { status: 'in C' }])
    await expectStops(supervised)
    const { output } = supervised.generation
    expect(output.match(/(?<=^\[[12]\] )fd .*$/gm)).toEqual(
      Array(4).fill(['fd 3: web, listens', 'fd 4: admin, listens']).flat(),
    )
    expect(output).toContain('watchdog: 0, 0\n')
  })

  it('is told of the watchdog, by a pid of its own', async () => {
    const args = ['--listen', '127.0.0.1:0', '--watchdog', '1m']
    const supervised = await start({ command: [program], args })
    expect(supervised.generation.output).toContain('watchdog: 1, 60000000\n')
    await expectStops(supervised)
  })
})
