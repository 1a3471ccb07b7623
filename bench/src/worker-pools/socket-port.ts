import { startSupervised } from '@socket-port/testkit'
import { WORKER, WORKERS, type WorkerPool, workersOf } from './worker-pool.ts'

/** `socket-port run --workers`, with more of its options. */
export async function startSocketPort(...options: string[]): Promise<WorkerPool> {
  const supervised = startSupervised({
    args: ['--listen', '127.0.0.1:0', '--workers', String(WORKERS), ...options],
    command: [process.execPath, WORKER, 'serve'],
  })
  const port = await supervised.port()
  await supervised.printed(new RegExp(`worker ${WORKERS} is ready`))
  return {
    port,
    manager: supervised.pid,
    workers: workersOf(supervised.pid),
    async reload() {
      const { code, stderr } = await supervised.ask('reload')
      if (code !== 0) throw new Error(`socket-port reload ended with ${code}: ${stderr}`)
    },
    end: () => supervised.dispose(),
  }
}
