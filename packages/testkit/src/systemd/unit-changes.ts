import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { namespacesOf } from './run-in.ts'

/** The socket on which systemd itself speaks D-Bus. It needs no bus daemon, and sends signals without a subscription. */
const BUS = 'unix:path=/run/systemd/private'

/** A method call whose answer shows that the connection works: every later signal arrives. */
const AUTH = `\0AUTH EXTERNAL ${Buffer.from('0').toString('hex')}\r\nBEGIN\r\n`

/**
 * Yields at once, and again each time the systemd with the pid `pid` announces that properties of the unit have
 * changed, until `signal` is aborted or that systemd has ended. For a slow reader, several changes are one.
 */
export async function* unitChanges(
  pid: number,
  unit: string,
  signal: AbortSignal,
): AsyncGenerator<void> {
  // systemd refuses a client of another PID namespace, because it cannot see the pid of the client.
  const bridge = [...namespacesOf(pid), 'systemd-stdio-bridge', `--bus-path=${BUS}`]
  const child = spawn('nsenter', bridge, { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  // EPIPE: systemd has ended before the client.
  child.stdin.on('error', () => {})
  const end = (): void => {
    child.stdin.end()
  }
  signal.addEventListener('abort', end)
  try {
    child.stdin.write(AUTH)
    const path = unitPath(unit)
    for await (const messages of received(child.stdout)) {
      if (messages === undefined || messages.some((message) => announces(message, path))) yield
    }
  } finally {
    signal.removeEventListener('abort', end)
    end()
    child.stdout.resume()
    await ended
  }
}

/** `undefined` for the answer to AUTH, then the whole messages of each read. */
async function* received(stdout: Readable): AsyncGenerator<string[] | undefined> {
  let rest = Buffer.alloc(0)
  let authenticated = false
  for await (const chunk of stdout) {
    rest = Buffer.concat([rest, chunk])
    if (!authenticated) {
      const line = rest.indexOf('\r\n')
      if (line === -1) continue
      authenticated = true
      rest = rest.subarray(line + 2)
      yield
    }
    const messages: string[] = []
    for (let size = messageSize(rest); size <= rest.length; size = messageSize(rest)) {
      messages.push(rest.toString('latin1', 0, size))
      rest = rest.subarray(size)
    }
    yield messages
  }
}

/** D-Bus: length of the body at 4, of the header's fields at 12; the header is padded to 8 bytes. */
function messageSize(bytes: Buffer): number {
  if (bytes.length < 16) return Number.POSITIVE_INFINITY
  return Math.ceil((16 + bytes.readUInt32LE(12)) / 8) * 8 + bytes.readUInt32LE(4)
}

function announces(message: string, path: string): boolean {
  return message.includes(`${path}\0`) && message.includes('PropertiesChanged\0')
}

/** The unit's object path, as sd_bus_path_encode(3) makes it. */
function unitPath(unit: string): string {
  const escaped = unit.replace(/^\d|[^A-Za-z0-9]/g, (letter) => {
    return `_${letter.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `/org/freedesktop/systemd1/unit/${escaped}`
}
