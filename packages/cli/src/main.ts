import { whyUnsupported } from '@socket-port/core/runtime'
import { unwritten } from './errors.ts'
import type { ExitCode } from './run/exit-codes.ts'

let ended: ExitCode = 1
let failed: Error | undefined
process.stdout.on('error', (error) => {
  failed ??= error
})
// There is nowhere left to say it; the exit code still tells how the command went.
process.stderr.on('error', () => {})

// At the very end: output may fail after the command is done.
process.on('exit', () => {
  if (failed === undefined) return
  const { line, exitCode } = unwritten(failed, ended)
  process.stderr.write(`socket-port: error: ${line}\n`)
  process.exitCode = exitCode
})

const reason = whyUnsupported()
if (reason === undefined) {
  // Only now: what it imports is not there in every Node.
  const { main } = await import('./cli.ts')
  ended = await main(process.argv.slice(2), process)
  process.exitCode = ended
} else {
  process.stderr.write(`socket-port: error: ${reason}\n`)
  process.exitCode = 1
}
