// Measures one restart in four ways, and draws docs/restart.svg from it.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort, restartUnderLoad } from '@socket-port/testkit'
import { draw } from './plot.js'
import { reload, restart } from './ways.js'

const FILE = fileURLToPath(new URL('../../docs/restart.svg', import.meta.url))
const LOAD = { clients: 40, method: 'mixed', think: [0, 60], rtt: 20, trace: true }
/** Milliseconds that are shown. */
const BEFORE = 300
const AFTER = 900

const ignore = () => {}

/** The old process closes its socket, and the next one binds another. */
async function bound() {
  const port = freePort()
  const restartTimes = []
  const { total } = await restartUnderLoad({
    fixture: [process.execPath, fileURLToPath(new URL('bound.js', import.meta.url)), `${port}`],
    target: { port },
    restarts: 2,
    mode: 'one-after-the-other',
    load: LOAD,
    onRestart: ({ exit, signalToExit }) => restartTimes.push(exit.at - signalToExit),
  })
  return { ...total, restartTimes }
}

const WAYS = [
  ['server.close(), then listen() in the next process', bound],
  ['the socket is kept, server.close()', () => restart('plain.js')(2, ignore, LOAD)],
  ['the socket is kept, serve() drains', () => restart('server.js')(2, ignore, LOAD)],
  ['socket-port reload hands connections over', () => reload(2, ignore, LOAD)],
]

const panels = []
for (const [title, run] of WAYS) {
  const { trace, restartTimes } = await run()
  // The requests before the second restart are those of a warm server.
  const [, restartAt] = restartTimes
  const requests = trace
    .map(({ at, ms, failed }) => ({ at: at - restartAt, ms, failed }))
    .filter(({ at }) => at >= -BEFORE && at < AFTER)
  const failed = requests.filter((request) => request.failed).length
  const longest = Math.max(...requests.map(({ ms }) => ms))
  panels.push({ title, requests, failed, longest })
  console.log(`${title}: ${requests.length} requests, ${failed} failed, ${Math.round(longest)} ms`)
}
writeFileSync(FILE, draw(panels, { before: BEFORE, after: AFTER }))
console.log(FILE)
