import { closeSync, fstatSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Level } from '../base/level.ts'
import type { LineFormat } from './line-format.ts'
import { OwnOutput, STUCK_AFTER } from './own-output.ts'
import { TerminalOutput } from './terminal-output.ts'

/** The stdout and stderr of this process: for the output of the processes, and for reports about them. */
export interface OwnOutputs {
  readonly stdout: OwnOutput
  readonly stderr: OwnOutput
  /** The stderr, if it is a terminal on which a line can be rewritten. */
  readonly terminal: TerminalOutput | undefined
  /**
   * Call this last: it ends the process, with its exit code, if a reader does not read the rest of the output
   * within a second.
   */
  end(): void
}

export function openOwnOutputs(format: LineFormat): OwnOutputs {
  leaveTerminalsAtExit()
  const notice = (message: string, level: Level): void =>
    void stderr.write(format.own(message, level, 'show level'))
  // JSON is for programs, so no line is rewritten, even on a terminal.
  const terminal =
    process.stderr.isTTY && process.env.TERM !== 'dumb' && !format.isJson
      ? new TerminalOutput(process.stderr, 'stderr', notice)
      : undefined
  const stderr: OwnOutput = terminal ?? new OwnOutput(process.stderr, 'stderr', notice)
  // If both are one file, use one stream: a slow reader takes a part of a write, and two streams would mix within a line.
  const isOne = (format.isByLine || terminal !== undefined) && leadToOneFile(1, 2)
  const stdout = isOne ? stderr : new OwnOutput(process.stdout, 'stdout', notice)
  const outputs = new Set([stdout, stderr])
  return {
    stdout,
    stderr,
    terminal,
    end() {
      for (const output of outputs) if (output.waiting === 0) output.sumUp()
      const giveUp = (): void => {
        for (const output of outputs) output.sumUp(output.waiting)
        process.exit()
      }
      // Unref the timer: only output that is still being written keeps the process running.
      setTimeout(giveUp, STUCK_AFTER).unref()
    },
  }
}

function leadToOneFile(one: number, other: number): boolean {
  try {
    const [a, b] = [one, other].map((fd) => fstatSync(fd, { bigint: true }))
    return a?.dev === b?.dev && a?.ino === b?.ino
  } catch {
    // One of them is closed.
    return false
  }
}

/**
 * At its end Node resets the terminals, and aborts when one has been closed (ResetStdio in src/node.cc). It skips
 * a descriptor that is no longer a terminal, so replace closed ones by /dev/null.
 */
function leaveTerminalsAtExit(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  process.once('exit', () => {
    for (const fd of terminals) {
      if (isatty(fd)) continue
      closeSync(fd)
      openSync('/dev/null', 'r+')
    }
  })
}
