import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { SocketPortError } from '../errors.ts'
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

const exec = promisify(execFile)

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
  listeners: async (port) => listenersIn(await lsof(port)),
  look: async (port) => {
    const held = await lsof(port)
    const rows = held.size === 0 ? [] : await ps()
    const holders = rows.flatMap(({ pid, uid, startTime, command }): Holder[] => {
      const sockets = held.get(pid)
      return sockets === undefined ? [] : [{ pid, uid, startTime, command, sockets }]
    })
    return { listeners: listenersIn(held), holders }
  },
  ancestors: async () => {
    const parents = new Map((await ps()).map(({ pid, parent }) => [pid, parent]))
    return ancestry(process.pid, (pid) => parents.get(pid))
  },
  // Socket activation with LISTEN_FDS is of Linux, and `ps` does not show the environment here.
  isActivated: () => false,
  startTime: async (pid) => (await ps()).find((row) => row.pid === pid)?.startTime,
  signal: (pid, name) => void process.kill(pid, name),
}

/** Returns the sockets of each pid in the output of `lsof -Fpd`. */
export function parseLsof(text: string): Map<number, string[]> {
  const held = new Map<number, string[]>()
  let pid = 0
  for (const line of text.split('\n')) {
    const value = line.slice(1)
    if (line.startsWith('p')) pid = Number(value)
    if (line.startsWith('d')) held.set(pid, [...new Set([...(held.get(pid) ?? []), value])])
  }
  return held
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

function listenersIn(held: ReadonlyMap<number, string[]>): Listener[] {
  const sockets = new Set([...held.values()].flat())
  return [...sockets].map((socket) => ({ socket, uid: undefined }))
}

async function lsof(port: number): Promise<Map<number, string[]>> {
  const args = ['-nP', '-w', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpd']
  try {
    return parseLsof((await exec('lsof', args)).stdout)
  } catch (error) {
    if (isSilentExit(error)) return new Map()
    throw new SocketPortError(
      'ERR_SOCKET_PORT_KILL_FAILED',
      `Who holds port ${port} cannot be found out: lsof did not run (${error instanceof Error ? error.message : error}). Put lsof on the PATH.`,
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
