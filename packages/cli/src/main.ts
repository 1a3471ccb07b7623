import { whyUnsupported } from '@socket-port/core/runtime'
import { unwritten } from './errors.ts'

let failed: Error | undefined
process.stdout.on('error', (error) => {
  failed ??= error
})
// There is nowhere left to say it; the exit code still tells how the command went.
process.stderr.on('error', () => {})

// Output may fail after the command is done, and a failure of the command itself counts for more.
process.on('exit', () => {
  if (failed === undefined || process.exitCode !== 0) return
  const { line, exitCode } = unwritten(failed)
  process.stderr.write(`socket-port: error: ${line}\n`)
  process.exitCode = exitCode
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
