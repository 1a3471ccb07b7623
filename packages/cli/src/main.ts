import { whyUnsupported } from '@socket-port/core/runtime'
import type { ExitCode } from './base/exit-codes.ts'

/** Runs the command. Imports its modules only now, because an unsupported Node cannot load them. */
async function runCommand(): Promise<void> {
  const [{ main }, { unwritten }] = await Promise.all([
    import('./cli.ts'),
    import('./base/errors.ts'),
  ])
  let ended: ExitCode = 1
  let failed: Error | undefined
  process.stdout.on('error', (error) => {
    failed ??= error
  })
  // An error of stderr cannot be reported anywhere. The exit code still shows whether the command succeeded.
  process.stderr.on('error', () => {})
  // Wait for the exit: output may fail after the command has ended.
  process.on('exit', () => {
    if (failed === undefined) return
    const { line, exitCode } = unwritten(failed, ended)
    process.stderr.write(`socket-port: error: ${line}\n`)
    process.exitCode = exitCode
  })
  ended = await main(process.argv.slice(2), process)
  process.exitCode = ended
}

const reason = whyUnsupported()
if (reason === undefined) await runCommand()
else {
  process.stderr.write(`socket-port: error: ${reason}\n`)
  process.exitCode = 1
}
