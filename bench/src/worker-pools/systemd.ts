import { bootSystemd, freePort, pathInBox } from '@socket-port/testkit'
import { WORKER } from './worker-pool.ts'

/** A service of a real systemd that hands its connections over. It has one process, because systemd has no worker pools. */
export interface SystemdService {
  readonly port: number
  restart(): Promise<void>
  end(): Promise<void>
}

export async function startSystemd(): Promise<SystemdService> {
  const port = freePort()
  const command = [pathInBox(process.execPath), pathInBox(WORKER), 'serve', String(port)]
  const box = await bootSystemd({
    units: {
      'app.socket': `[Socket]\nListenStream=${port}\nBacklog=4096\n`,
      'app.service':
        '[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=notify\nFileDescriptorStoreMax=16\n' +
        `ExecStart=${command.join(' ')}\n`,
    },
  })
  await box.start('app.socket', 'app.service')
  return { port, restart: () => box.restart('app.service'), end: () => box.stop() }
}
