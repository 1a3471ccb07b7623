import type { Socket } from 'node:net'
import type { ExitCode } from '../base/exit-codes.ts'
import type { Status } from './status.ts'

const COMMANDS = ['reload', 'status', 'stop'] as const

export type ControlCommand = (typeof COMMANDS)[number]

export interface ControlAnswer {
  ok: boolean
  exitCode: ExitCode
  /** What happened and how to repair it; possibly several lines. */
  message: string
  /** The answer to `status`. */
  status?: Status
}

/** The message of a client, as one line of JSON. */
export interface Request {
  command: ControlCommand
}

/** A message of the server, as one line of JSON: progress, and finally the answer. */
export type Reply = { line: string } | { answer: ControlAnswer }

// Characters. A request has about thirty; a reply may hold the last lines of a process's output.
const LONGEST = 1_048_576

/**
 * Calls `receive` with each line of JSON that arrives; `revive` may replace its values, as in JSON.parse.
 * A line that is not JSON closes the connection.
 */
export function readMessages(
  socket: Socket,
  receive: (message: unknown) => void,
  revive?: (key: string, value: unknown) => unknown,
): void {
  let rest = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST) return void socket.destroy()
    for (const line of lines) {
      const message = parse(line, revive)
      if (message === undefined) return void socket.destroy()
      receive(message)
    }
  })
}

export const writeMessage = (socket: Socket, message: Request | Reply): void =>
  void socket.write(`${JSON.stringify(message)}\n`)

function parse(line: string, revive: Parameters<typeof JSON.parse>[1]): unknown {
  try {
    const value: unknown = JSON.parse(line, revive)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

export function isRequest(message: unknown): message is Request {
  const { command } = message as { command?: unknown }
  return COMMANDS.some((known) => known === command)
}
