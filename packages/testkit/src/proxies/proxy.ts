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
  readonly ready: string
  /** A line on stderr that is no error. */
  readonly harmless: RegExp
}

export interface ReverseProxy {
  readonly port: number
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
  const stop = async (): Promise<void> => {
    await end(child)
    await rm(dir, { recursive: true, force: true })
  }
  const listens = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => reject(new Error(`${kind.command} has ended: ${said}`)))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes(kind.ready)) resolve()
    })
  })
  await listens.catch(async (error: Error) => {
    await stop()
    throw error
  })
  const complaints = (): string[] =>
    said.split('\n').filter((line) => line !== '' && !kind.harmless.test(line))
  return { port, complaints, stop }
}
