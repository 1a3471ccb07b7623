import { readFile, stat } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { CommandError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'

/**
 * Reads environment files as `node --env-file` does. When several files set a variable, the last one counts.
 *
 * @throws {CommandError} when a file cannot be read; the message names it
 */
export async function readEnvFiles(paths: readonly string[]): Promise<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const path of paths) Object.assign(variables, parseEnv(await content(path)))
  return variables
}

async function content(path: string): Promise<string> {
  try {
    const stats = await stat(path)
    // A pipe is empty when it is read again, or opening it waits for a writer, and this process could not end meanwhile.
    if (!stats.isFIFO() && !stats.isSocket()) return await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error
    throw new CommandError(
      `the environment file ${quote(path)} cannot be read (${code}). Correct --env-file, or create it`,
    )
  }
  throw new CommandError(
    `the environment file ${quote(path)} is a pipe or a socket, which cannot be read again at each reload. ` +
      'Write the variables into a file, or set them for socket-port run itself',
  )
}
