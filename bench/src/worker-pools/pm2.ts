import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@socket-port/testkit'
import { WORKER, WORKERS, type WorkerPool, workersOf } from './worker-pool.ts'

const PM2 = createRequire(import.meta.url).resolve('pm2/bin/pm2')

/** pm2 in its cluster mode, as its documentation shows it, with a home and a daemon of its own. */
export async function startPm2(): Promise<WorkerPool> {
  const home = mkdtempSync(join(tmpdir(), 'socket-port-pm2-'))
  const env = { ...process.env, PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: 'true' }
  const pm2 = async (...args: string[]): Promise<void> => {
    await promisify(execFile)(process.execPath, [PM2, ...args], { env })
  }
  const port = freePort()
  const app = {
    name: 'app',
    script: WORKER,
    args: ['plain', String(port)],
    exec_mode: 'cluster',
    instances: WORKERS,
    wait_ready: true,
  }
  const ecosystem = join(home, 'ecosystem.json')
  writeFileSync(ecosystem, JSON.stringify({ apps: [app] }))
  await pm2('start', ecosystem)
  const manager = Number(readFileSync(join(home, 'pm2.pid'), 'utf8'))
  // End the daemon when this process ends: it would outlive this process, even after Ctrl-C.
  const endAtOnce = (): void => void process.kill(-manager, 'SIGKILL')
  const interrupted = (): void => process.exit(130)
  process.once('exit', endAtOnce).once('SIGINT', interrupted)
  return {
    port,
    manager,
    workers: workersOf(manager),
    reload: () => pm2('reload', 'app'),
    async end() {
      await pm2('kill')
      process.off('exit', endAtOnce).off('SIGINT', interrupted)
      rmSync(home, { recursive: true, force: true })
    },
  }
}
