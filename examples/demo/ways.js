import { fileURLToPath } from 'node:url'
import {
  bootSystemd,
  freePort,
  now,
  openListener,
  pathInBox,
  restartUnderLoad,
  startLoad,
  startSupervised,
} from '@socket-port/testkit'
import { startLongLived } from './long-lived.js'

const LOAD = { clients: 50, method: 'mixed', think: [0, 20], rtt: 20, trace: true }
const pathOf = (file) => fileURLToPath(new URL(file, import.meta.url))

/**
 * Each way takes the number of restarts, a callback for the counts of each restart, and a load. It returns the counts of all
 * restarts, and the times when they began.
 */

/** `socket-port run` keeps the socket, and `socket-port reload` replaces the server. */
export async function reload(restarts, onRestart, load = LOAD) {
  const command = [process.execPath, pathOf('server.js')]
  const supervised = startSupervised({ command, args: ['--listen', '0', '--settle', '0'] })
  try {
    const port = await supervised.port()
    await supervised.printed(/"ready":true/)
    return await underLoad({ port, restarts, onRestart, load }, async () => {
      const { code, stderr } = await supervised.ask('reload')
      if (code !== 0) throw new Error(stderr)
    })
  } finally {
    await supervised.dispose()
  }
}

const units = (port) => ({
  'app.socket': `[Socket]\nListenStream=${port}\n`,
  'app.service': `[Unit]
StartLimitIntervalSec=0
[Service]
Type=notify
ExecStart=${pathInBox(process.execPath)} ${pathInBox(pathOf('server.js'))}
FileDescriptorStoreMax=16
`,
})

/** `systemctl restart` of a real systemd, which keeps the socket, and during a restart the connections. */
export async function systemctl(restarts, onRestart, load = LOAD) {
  const port = freePort()
  const box = await bootSystemd({ units: units(port) })
  try {
    await box.start('app.socket', 'app.service')
    return await underLoad({ port, restarts, onRestart, load }, () => box.restart('app.service'))
  } finally {
    await box.stop()
  }
}

async function underLoad({ port, restarts, onRestart, load }, restartOnce) {
  const restartTimes = []
  const running = await startLoad({ ...load, target: { port } })
  try {
    const longLived = await startLongLived(port)
    await running.oneRequestEach()
    await running.countsSinceLast()
    for (let restart = 1; restart <= restarts; restart += 1) {
      restartTimes.push(now())
      await restartOnce()
      await running.moreRequests(500)
      await running.oneRequestEach()
      onRestart({ restart, ...(await running.countsSinceLast()) })
    }
    const counts = await longLived.stop()
    return { ...(await running.stop()), ...counts, restartTimes }
  } finally {
    await running.dispose()
  }
}

/**
 * One listening socket is kept open, and each process inherits it when the last one has ended. Nothing else is kept. With
 * `longLived`, clients of WebSockets and event streams are connected too.
 */
export const restart =
  (file, { longLived = false } = {}) =>
  async (restarts, onRestart, load = LOAD) => {
    const listener = openListener()
    const clients = longLived && startLongLived(listener.port)
    const restartTimes = []
    let counts
    try {
      const { total } = await restartUnderLoad({
        fixture: pathOf(file),
        listener,
        restarts,
        load,
        mode: 'one-after-the-other',
        stopTimeout: 3_000,
        onRestart(row) {
          onRestart(row)
          restartTimes.push(row.exit.at - row.signalToExit)
          // The last process ends with the load.
          if (clients && row.restart === restarts) counts = clients.then((all) => all.stop())
        },
      })
      return { ...total, ...(await counts), restartTimes }
    } finally {
      listener.close()
    }
  }
