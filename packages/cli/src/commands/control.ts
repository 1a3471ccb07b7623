import { UsageError } from '../base/errors.ts'
import { type Io, styled } from '../base/io.ts'
import type { Option, Parsed } from '../command-line/command.ts'
import type { ControlAnswer, ControlCommand } from '../control/protocol.ts'

/** The options that say which `socket-port run` is meant. */
export const targetOptions: Readonly<Record<TargetName, Option>> = {
  name: { value: 'NAME', summary: 'As run --name. Default: the only one that runs.' },
  control: { value: 'PATH', summary: 'As run --control.' },
}

export type TargetName = 'name' | 'control'

/** Asks the running `socket-port run` that the options name; its progress goes to stderr. */
export async function ask(
  command: ControlCommand,
  parsed: Parsed<TargetName>,
  { stderr }: Io,
): Promise<ControlAnswer> {
  const [name, control] = [parsed.last('name'), parsed.last('control')]
  if (name !== undefined && control !== undefined) {
    throw new UsageError('--name and --control both say which one is meant: leave one out')
  }
  const { controlRequest } = await import('../control/client.ts')
  const onLine = (line: string): void => void stderr.write(`${line}\n`)
  return controlRequest(command, { name, control, onLine })
}

/** Shows an answer: on stdout what went well, on stderr what did not. */
export function showAnswer({ ok, message }: ControlAnswer, { stdout, stderr }: Io): void {
  if (ok) stdout.write(`${message}\n`)
  else stderr.write(`${styled(stderr, 'red', 'socket-port: error:')} ${message}\n`)
}
