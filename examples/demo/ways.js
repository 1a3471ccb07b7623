import { fileURLToPath } from 'node:url'
import { openListener, restartUnderLoad, startLoad, startSupervised } from '@socket-port/test'

const load = { clients: 50, method: 'mixed', think: [0, 20], rtt: 20 }
const pathOf = (file) => fileURLToPath(new URL(file, import.meta.url))

/** `socket-port run` keeps the socket, and `socket-port reload` replaces the server. */
export async function reload(restarts, onRestart) {
  const command = [process.execPath, pathOf('server.js')]
  const supervised = startSupervised({ command, args: ['--listen', '0', '--settle', '0'] })
  let running
  try {
    const port = await supervised.port()
    await supervised.said(/"ready":true/)
    running = await startLoad({ ...load, target: { port } })
    await running.round()
    await running.lap()
    for (let restart = 1; restart <= restarts; restart += 1) {
      const { code, stderr } = await supervised.ask('reload')
      if (code !== 0) throw new Error(stderr)
      await running.warm(500)
      await running.round()
      onRestart({ restart, ...(await running.lap()) })
    }
    return await running.stop()
  } finally {
    await running?.dispose()
    await supervised.dispose()
  }
}

/** As systemd does: one listening socket, kept open, that each process inherits when the last has gone. */
export const restart = (file) => async (restarts, onRestart) => {
  const listener = openListener()
  try {
    const { total } = await restartUnderLoad({
      ...{ fixture: pathOf(file), listener, restarts, load, onRestart },
      mode: 'one-after-the-other',
      stopTimeout: 3_000,
    })
    return total
  } finally {
    listener.close()
  }
}
