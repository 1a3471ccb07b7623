// Arguments: WORKERS PORT. Runs node:cluster as its documentation shows it.
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'

const [workers = '1', port = '0'] = process.argv.slice(2)
const exec = fileURLToPath(new URL('./worker.js', import.meta.url))
cluster.setupPrimary({ exec, args: ['plain', port] })

let listening = 0
cluster.on('listening', (_worker, address) => {
  listening += 1
  if (listening === Number(workers)) {
    console.log(JSON.stringify({ ready: true, port: address.port }))
  }
})
for (let worker = 0; worker < Number(workers); worker += 1) cluster.fork()
