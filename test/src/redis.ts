import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { end, track } from '@socket-port/testkit/processes'

/** A Redis that keeps nothing, and listens on a unix socket alone. */
export interface Redis {
  readonly path: string
  stop(): Promise<void>
}

/** Starts `redis-server`; resolves when it takes connections. */
export async function startRedis(): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-redis-'))
  const path = join(folder, 'redis.sock')
  const options = ['--port', '0', '--unixsocket', path, '--dir', folder, '--save', '']
  const child = spawn('redis-server', options, {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  track(child)
  const stop = async (): Promise<void> => {
    await end(child)
    rmSync(folder, { recursive: true })
  }
  const said: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line)
    if (!line.includes('server is now ready to accept connections at')) continue
    child.stdout.resume()
    return { path, stop }
  }
  await stop()
  throw new Error(`redis-server has ended: ${said.join('\n')}`)
}
