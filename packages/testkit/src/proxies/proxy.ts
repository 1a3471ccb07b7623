import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../native.ts'
import { end, track } from '../processes.ts'

/** The port of a proxy, and the port of the server behind it, both on 127.0.0.1. */
export interface ProxyPorts {
  readonly port: number
  readonly upstream: number
}

export interface ProxyKind {
  /** The command on PATH. */
  readonly command: string
  /** Its configuration: a pool of upstream connections, no retries, errors on stderr. */
  config(ports: ProxyPorts): string
  /** Arguments that keep it in the foreground, with all its files in `dir`. */
  args(dir: string, file: string): readonly string[]
  /** What it prints on stderr when it listens. */
  readonly ready: RegExp
  /** A line on stderr that is no error. */
  readonly harmless: RegExp
}

export interface ReverseProxy {
  readonly port: number
  /**
   * Resolves when it prints the pattern, after what the last call has found. Rejects when it has ended without.
   */
  printed(pattern: RegExp): Promise<void>
  /** Gives it another configuration, and a SIGHUP. */
  reconfigure(config: string): Promise<void>
  /** The errors that it has printed so far. */
  complaints(): string[]
  /** Ends it at once, and removes its files. */
  stop(): Promise<void>
}

/** Starts a proxy in front of `upstream`; resolves when it listens. */
export async function startProxy(kind: ProxyKind, upstream: number): Promise<ReverseProxy> {
  const port = freePort()
  const dir = await mkdtemp(join(tmpdir(), `socket-port-${kind.command}-`))
  const file = join(dir, 'proxy.conf')
  await writeFile(file, kind.config({ port, upstream }))
  const child = spawn(kind.command, kind.args(dir, file), {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  track(child)
  let said = ''
  let found = 0
  let hasEnded = false
  const watchers = new Set<() => void>()
  const tell = (): void => {
    for (const watcher of watchers) watcher()
  }
  child.once('close', () => {
    hasEnded = true
    tell()
  })
  const printed = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(said.slice(found))
        if (match === null && !hasEnded) return
        watchers.delete(look)
        if (match !== null) {
          found += match.index + match[0].length
          resolve()
        } else reject(new Error(`${kind.command} has ended: ${said}`))
      }
      watchers.add(look)
      look()
    })
  const reconfigure = async (config: string): Promise<void> => {
    await writeFile(file, config)
    child.kill('SIGHUP')
  }
  const stop = async (): Promise<void> => {
    await end(child)
    await rm(dir, { recursive: true, force: true })
  }
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    tell()
  })
  await Promise.race([failed, printed(kind.ready)]).catch(async (error: Error) => {
    await stop()
    throw error
  })
  const complaints = (): string[] =>
    said.split('\n').filter((line) => line !== '' && !kind.harmless.test(line))
  return { port, printed, reconfigure, complaints, stop }
}
