import { UsageError } from '../base/errors.ts'
import { type Io, styled } from '../base/io.ts'
import type { Option, Parsed } from '../command-line/command.ts'
import type { ControlAnswer, ControlCommand } from '../control/protocol.ts'

/** The options that choose a `socket-port run`. */
export const targetOptions: Readonly<Record<TargetName, Option>> = {
  name: { value: 'NAME', summary: 'The name, as in run --name. Default: the only one that runs.' },
  control: { value: 'PATH', summary: 'The control socket, as in run --control.' },
}

export type TargetName = 'name' | 'control'

/** Sends a command to the `socket-port run` that the options choose. Writes its progress to stderr. */
export async function ask(
  command: ControlCommand,
  parsed: Parsed<TargetName>,
  { stderr }: Io,
): Promise<ControlAnswer> {
  const target = targetOf(parsed)
  const { controlRequest } = await import('../control/client.ts')
  const onLine = (line: string): void => void stderr.write(`${line}\n`)
  return controlRequest(command, { ...target, onLine })
}

/** The `socket-port run` that the options choose. */
export function targetOf(parsed: Parsed<TargetName>): Record<TargetName, string | undefined> {
  const [name, control] = [parsed.last('name'), parsed.last('control')]
  if (name !== undefined && control !== undefined) {
    throw new UsageError('--name and --control both choose a socket-port run: leave one out')
  }
  return { name, control }
}

/** Prints an answer: success to stdout, an error to stderr. */
export function showAnswer({ ok, message }: ControlAnswer, { stdout, stderr }: Io): void {
  if (ok) stdout.write(`${message}\n`)
  else stderr.write(`${styled(stderr, 'red', 'socket-port: error:')} ${message}\n`)
}
