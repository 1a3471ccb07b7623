// Restarts a server again and again under the load of clients that never retry, in three ways.
import { parseArgs, styleText } from 'node:util'
import { reload, restart } from './ways.js'

const { values } = parseArgs({ options: { restarts: { type: 'string', default: '10' } } })
const restarts = Number(values.restarts)

const WAYS = [
  { name: 'socket-port reload', run: reload },
  { name: 'socket-port restart', run: restart('server.js') },
  { name: 'server.close()', run: restart('plain.js') },
]
const COLUMNS = [20, 10, 11, 9, 14, 16]
const FAILED = 3

const count = (number) => number.toLocaleString('en-US')

/** One line; the failures in colour, whose codes would spoil the padding. */
function line(cells, { coloured = false } = {}) {
  const padded = cells.map((cell, i) => String(cell).padStart(COLUMNS[i]))
  if (coloured) {
    padded[FAILED] = styleText(Number(cells[FAILED]) === 0 ? 'green' : 'red', padded[FAILED])
  }
  return padded.join('')
}

function print(name, restart, { requests, failed, reconnects, longestStall }) {
  const stall = `${Math.round(longestStall?.ms ?? 0)} ms`
  const cells = [name, restart, count(requests), count(failed), count(reconnects), stall]
  console.log(line(cells, { coloured: true }))
}

if (process.platform !== 'linux') {
  console.error('The demo passes a listening socket from process to process, which needs Linux.')
  process.exit(1)
}

console.log(`50 clients that never retry, 20 ms away, and a server that is restarted ${restarts} times.
  socket-port reload    socket-port run starts the next process before it drains the last
  socket-port restart   the next starts when the last has drained, as with systemctl restart
  server.close()        the same, as most servers are written
The listening socket stays open in all three.\n`)
const head = ['failed', 'reconnects', 'longest stall']
console.log(styleText('bold', line(['', 'restart', 'requests', ...head])))
const totals = []
for (const { name, run } of WAYS) {
  const each = (row) => print(name, row.restart, { ...row, reconnects: row.connections })
  totals.push({ name, ...(await run(restarts, each)) })
}

console.log(styleText('bold', `\n${line(['', 'restarts', 'requests', ...head])}`))
// Each client has to connect once.
for (const { name, ...total } of totals) {
  print(name, restarts, { ...total, reconnects: total.connections - 50 })
}
// What this is about: anything else is a failure of the demo itself.
if (totals.slice(0, 2).some(({ failed }) => failed > 0)) process.exit(1)
