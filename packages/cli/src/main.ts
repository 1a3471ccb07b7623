import { whyUnsupported } from '@socket-port/core/runtime'

// `socket-port status | head -1` closes the pipe early, which is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const reason = whyUnsupported()
if (reason === undefined) {
  // Only now: what it imports is not there in every Node.
  const { main } = await import('./cli.ts')
  process.exitCode = await main(process.argv.slice(2), process)
} else {
  process.stderr.write(`socket-port: error: ${reason}\n`)
  process.exitCode = 1
}
