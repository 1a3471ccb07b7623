import type { ExecFileOptions } from 'node:child_process'
import { promisify } from 'node:util'
import { childProcess } from '../base/built-in.ts'
import { SocketPortError } from '../base/errors.ts'
import type { Holder } from './holders.ts'
import { ancestry, printable } from './process.ts'
import type { Listener, System } from './system.ts'

/** One row of `ps`. */
export interface PsRow {
  pid: number
  parent: number
  uid: number
  startTime: string
  command: string
}

const exec = (
  file: string,
  args: readonly string[],
  options?: ExecFileOptions,
): Promise<{ stdout: string }> =>
  promisify(childProcess().execFile)(file, args, { ...options, encoding: 'utf8' })

// pid, parent, real uid, the five words of the start time, command.
const PS_ROW = /^ *(\d+) +(\d+) +(\d+) +(\S+ +\S+ +\S+ +\S+ +\S+) +(.*)$/gm
// Command lines of a megabyte exist.
const MOST_OUTPUT = 64 * 2 ** 20
const PS = ['-axww', '-o', 'pid=,ppid=,ruid=,lstart=,command=']

/**
 * The system as `lsof` and `ps` show it: for macOS, which ships both and has no /proc. When lsof does not
 * run as root it shows only the user's own processes, so a port that another user holds looks free.
 */
export const lsofSystem: System = {
  listeners: async (port) => listenersIn((await lsof(port)).addresses),
  look: async (port) => {
    const { held, addresses } = await lsof(port)
    const rows = held.size === 0 ? [] : await ps()
    const holders = rows.flatMap(({ pid, uid, startTime, command }): Holder[] => {
      const sockets = held.get(pid)
      return sockets === undefined ? [] : [{ pid, uid, startTime, command, sockets }]
    })
    return { listeners: listenersIn(addresses), holders }
  },
  ancestors: async () => {
    const parents = new Map((await ps()).map(({ pid, parent }) => [pid, parent]))
    return ancestry(process.pid, (pid) => parents.get(pid))
  },
  // Only Linux has pid namespaces.
  isElsewhere: () => false,
  // Socket activation with LISTEN_FDS exists only on Linux, and `ps` does not show the environment here.
  activator: () => undefined,
  startTime: async (pid) => (await ps()).find((row) => row.pid === pid)?.startTime,
  signal: (pid, name) => void process.kill(pid, name),
}

/** The sockets of each pid, and where each of them listens. */
export interface LsofOutput {
  held: Map<number, string[]>
  addresses: Map<string, string | undefined>
}

/** Returns what the output of `lsof -Fpdtn` says; pure. */
export function parseLsof(text: string): LsofOutput {
  const held = new Map<number, string[]>()
  const addresses = new Map<string, string | undefined>()
  let [pid, family, socket] = [0, '', '']
  for (const line of text.split('\n')) {
    const value = line.slice(1)
    if (line.startsWith('p')) pid = Number(value)
    // The fields of a file come in the order of type, device and name.
    if (line.startsWith('t')) family = value
    if (line.startsWith('d')) {
      socket = value
      addresses.set(socket, undefined)
      held.set(pid, [...new Set([...(held.get(pid) ?? []), socket])])
    }
    if (line.startsWith('n')) addresses.set(socket, addressIn(value, family))
  }
  return { held, addresses }
}

// `*:8080`, `127.0.0.1:8080`, `[::1]:8080`.
function addressIn(name: string, family: string): string | undefined {
  const [, address] = /^(.+):\d+$/.exec(name) ?? []
  if (address === '*') return family === 'IPv6' ? '::' : '0.0.0.0'
  return address?.replace(/^\[(.*)\]$/, '$1')
}

/** Returns the processes in the output of `ps` with the columns asked for above. */
export function parsePs(text: string): PsRow[] {
  return [...text.matchAll(PS_ROW)].map(([, pid, parent, uid, startTime = '', command = '']) => ({
    pid: Number(pid),
    parent: Number(parent),
    uid: Number(uid),
    startTime,
    command: printable(command),
  }))
}

function listenersIn(addresses: LsofOutput['addresses']): Listener[] {
  return [...addresses].map(([socket, address]) => ({ socket, uid: undefined, address }))
}

async function lsof(port: number): Promise<LsofOutput> {
  const args = ['-nP', '-w', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpdtn']
  try {
    return parseLsof((await exec('lsof', args)).stdout)
  } catch (error) {
    if (isSilentExit(error)) return parseLsof('')
    throw new SocketPortError(
      'ERR_SOCKET_PORT_KILL_FAILED',
      `Cannot find out which process holds port ${port}: lsof did not run (${error instanceof Error ? error.message : error}). Put lsof on the PATH.`,
      { port, cause: error },
    )
  }
}

/** lsof exits with 1 in both cases: with no output when it found nothing, with a message when it failed. */
function isSilentExit(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error && 'stderr' in error)) return false
  return error.code === 1 && error.stderr === ''
}

async function ps(): Promise<PsRow[]> {
  // Month and weekday names must not depend on the user's language.
  const env = { ...process.env, LC_ALL: 'C' }
  const { stdout } = await exec('ps', PS, { env, maxBuffer: MOST_OUTPUT })
  return parsePs(stdout)
}
