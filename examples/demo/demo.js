// Restarts a server ten times under the load of clients that never retry, with core and without.
import { fileURLToPath } from 'node:url'
import { parseArgs, styleText } from 'node:util'
import { openListener, restartUnderLoad } from '@socket-port/test'

const { values } = parseArgs({ options: { restarts: { type: 'string', default: '10' } } })
const restarts = Number(values.restarts)

const WAYS = [
  { name: 'socket-port', file: 'server.js' },
  { name: 'server.close()', file: 'plain.js' },
]
const COLUMNS = [16, 10, 12, 10, 16]

const count = (number) => number.toLocaleString('en-US')
const line = (...cells) => cells.map((cell, i) => String(cell).padStart(COLUMNS[i])).join('')
const failures = (failed) =>
  styleText(failed === 0 ? 'green' : 'red', count(failed).padStart(COLUMNS[3]))

/** One row; the failures in colour, whose codes would spoil the padding. */
function print(name, restart, { requests, failed, longestStall }) {
  const stall = `${Math.round(longestStall?.ms ?? 0)} ms`
  const [left, right] = [line(name, restart, count(requests)), stall.padStart(COLUMNS[4])]
  console.log(left + failures(failed) + right)
}

async function run({ name, file }) {
  // As systemd does: one listening socket, kept open, that each process inherits in turn.
  const listener = openListener()
  try {
    const { total } = await restartUnderLoad({
      fixture: fileURLToPath(new URL(file, import.meta.url)),
      listener,
      mode: 'one-after-the-other',
      restarts,
      stopTimeout: 3_000,
      load: { clients: 50, method: 'mixed', think: [0, 20], rtt: 20 },
      onRestart: (row) => print(name, row.restart, row),
    })
    return total
  } finally {
    listener.close()
  }
}

if (process.platform !== 'linux') {
  console.error('The demo passes a listening socket from process to process, which needs Linux.')
  process.exit(1)
}

console.log(`50 clients that never retry, 20 ms away, and a server that is restarted ${restarts} times.
The listening socket stays open and is inherited; what differs is how the old process ends.\n`)
console.log(styleText('bold', line('', 'restart', 'requests', 'failed', 'longest stall')))
const totals = []
for (const way of WAYS) totals.push([way.name, await run(way)])

console.log(styleText('bold', `\n${line('', 'restarts', 'requests', 'failed', 'longest stall')}`))
for (const [name, total] of totals) print(name, restarts, total)
// What this is about: anything else is a failure of the demo itself.
if (totals[0][1].failed > 0) process.exit(1)
