// Restarts a server again and again in four ways, under the load of clients that never retry. In three of the ways, WebSockets
// and event streams are open too.
import { parseArgs, styleText } from 'node:util'
import { drawChart, systemdSkipReason, worstRestart } from '@socket-port/testkit'
import { reload, restart, systemctl } from './ways.js'

const { values } = parseArgs({ options: { restarts: { type: 'string', default: '10' } } })
const restarts = Number(values.restarts)
if (!Number.isInteger(restarts) || restarts < 1) {
  console.error(`--restarts must be a whole number above 0 (got "${values.restarts}")`)
  process.exit(2)
}

const WAYS = [
  { name: 'socket-port reload', run: reload, handsOver: true },
  { name: 'systemctl restart', run: systemctl, handsOver: true, missing: systemdSkipReason },
  { name: 'without a store', run: restart('server.js') },
  { name: 'server.close()', run: restart('plain.js', { longLived: true }), loses: true },
]
const COLUMNS = [20, 10, 11, 9, 14, 16]
const LONG_LIVED_COLUMNS = [20, 16, 11, 9, 14, 16]
/** The column that must be 0. */
const BAD = 3

const count = (number) => number.toLocaleString('en-US')

/** One line. Colours the column that must be 0 after the padding, because the codes of colours have a length too. */
function line(cells, { coloured = false, columns = COLUMNS } = {}) {
  const padded = cells.map((cell, i) => String(cell).padStart(columns[i]))
  if (coloured) {
    padded[BAD] = styleText(cells[BAD] === '0' ? 'green' : 'red', padded[BAD])
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
  socket-port reload   socket-port run starts the next process before the last one leaves
  systemctl restart    a real systemd starts the next process when the last has gone, and keeps the
                       idle connections meanwhile
  without a store      the same, but no manager keeps connections: each is served once more, then closed
  server.close()       the same again, as most servers are written
The listening socket stays open in all of them. But for the third, 10 WebSockets and 10 event streams are open
too, with a message every 50 ms.\n`)
const head = ['failed', 'reconnects', 'longest stall']
console.log(styleText('bold', line(['', 'restart', 'requests', ...head])))
const totals = []
const leftOut = []
for (const { name, run, missing, ...expected } of WAYS) {
  const reason = missing?.()
  if (reason !== undefined) {
    leftOut.push(`${name} is left out: ${reason}`)
    continue
  }
  const each = (row) => print(name, row.restart, { ...row, reconnects: row.connections })
  const total = await run(restarts, each)
  // Each client has to connect once.
  totals.push({ name, ...expected, ...total, reconnects: total.connections - 50 })
}

console.log(styleText('bold', `\n${line(['', 'restarts', 'requests', ...head])}`))
for (const { name, ...total } of totals) print(name, restarts, total)

const longLived = { columns: LONG_LIVED_COLUMNS }
const longLivedHead = ['', '', 'messages', 'lost', 'closed', 'longest stall']
console.log(styleText('bold', `\n${line(longLivedHead, longLived)}`))
for (const [kind, title] of [
  ['webSockets', 'WebSockets'],
  ['eventStreams', 'event streams'],
]) {
  for (const { name, [kind]: counts } of totals) {
    if (counts === undefined) continue
    const { messages, lost, closed, longestStall } = counts
    const stall = `${Math.round(longestStall.ms)} ms`
    const cells = [name, title, count(messages), count(lost), count(closed), stall]
    console.log(line(cells, { ...longLived, coloured: true }))
  }
}
// Shows the restart of each way that did the most harm.
const CHART = { before: 200, after: 600, width: 80, highest: 250 }
console.log(`
${styleText('bold', 'The worst restart of each way')}: a bar for each 10 ms, as high as the slowest request that began then
(█ ${CHART.highest} ms or more); × one failed; │ the restart begins`)
for (const { name, trace, restartTimes } of totals) {
  const restartAt = worstRestart(trace, restartTimes, CHART.after)
  const drawn = drawChart(trace, { ...CHART, restartAt })
  console.log(
    `${name.padStart(COLUMNS[0])} ${drawn.replace(/×+/g, (part) => styleText('red', part))}`,
  )
}
for (const words of leftOut) console.log(styleText('yellow', words))

// Any other result than these is a failure of the demo itself. In CI every way must run.
const wrong = ({ failed, reconnects, loses, handsOver, webSockets, eventStreams }) =>
  failed > 0 !== Boolean(loses) ||
  (handsOver && reconnects > 0) ||
  [webSockets, eventStreams].some(
    (counts) => counts && (loses ? counts.closed === 0 : counts.closed + counts.lost > 0),
  )
if (totals.some(wrong) || (process.env.CI && leftOut.length > 0)) process.exit(1)
