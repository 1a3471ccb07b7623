// Arguments: HOW (plain, register, listen or serve) PORT [inherited]. Listens once, and prints what that took.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { importCore } from './core.ts'
import type { ListenReading } from './listen-reading.ts'
import { sharedObjects } from './shared-objects.ts'
import { stopwatch } from './stopwatch.ts'

const [how, port = '0', inherited] = process.argv.slice(2)
// With the preload the program asks for its port, which is the one that was passed.
const asksForPort = inherited === undefined || how === 'register'
const target = asksForPort ? { port: Number(port) } : { fd: 3 }
// Without a port, core takes the only socket that was passed.
const asked = inherited === undefined ? { port } : {}

// V8 collects garbage whenever about a megabyte was allocated, which takes more than a millisecond. Begin at a random
// distance from the next time: else it falls into the same span in every round, and is taken for the cost of that span.
for (let kilobytes = Math.random() * 1024; kilobytes > 0; kilobytes -= 1) new Array(128).fill(0)

const took = stopwatch()
// V8 compiles the stopwatch at its first call, which must not be measured.
took()
const isPlain = how === 'plain' || how === 'register'
const core = isPlain ? undefined : await importCore()
const importing = took()
const server: Server = createServer()
if (core === undefined) await once(server.listen(target), 'listening')
else if (how === 'serve') await core.serve(server, asked)
else await core.listen(server, asked)
const calling = took()
const listening = performance.now()
const { user, system } = process.cpuUsage()

const reading: ListenReading = {
  import: importing.wall,
  importCpu: importing.cpu,
  call: calling.wall,
  callCpu: calling.cpu,
  // performance.now() counts from the start of the process.
  whole: listening,
  cpu: (user + system) / 1000,
  rss: process.memoryUsage.rss(),
  sharedObjects: sharedObjects(),
}
console.log(JSON.stringify({ ready: true, ...reading }))
server.close()
