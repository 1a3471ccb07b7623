import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { socketPort } from '@socket-port/testkit/command'
import { CHECKOUT, pathInBox } from '@socket-port/testkit/systemd/paths'
import type { Units } from '@socket-port/testkit/systemd/unit-files'
import { manifestOf } from '../src/docs/documents.ts'
import { nodeBinary } from '../src/nodes.ts'
import { folderOf, MAJOR, OFFLINE, type Way } from './apps.ts'

/** The unit's name, whichever the app. */
export const UNIT = 'app'

/** The units of `socket-port unit --register`, for the place of the checkout in a booted systemd. */
export async function unitsOf(way: Way, port: number): Promise<Units> {
  const cwd = folderOf(way.app)
  const [entry, ...args] = programOf(way)
  const options = ['--node', nodeBinary(MAJOR), '--name', UNIT, '--json']
  const words = ['unit', entry, '--port', `${port}`, '--register', ...options]
  const { stdout, stderr } = await socketPort(words, { cwd })
  if (stdout === '') throw new Error(`${words.join(' ')} in ${cwd}: ${stderr}`)
  const { files } = JSON.parse(stdout) as { files: { name: string; content: string }[] }
  const variables = { ...OFFLINE, ...way.app.traits.env }
  const lines = Object.entries(variables).map(([name, value]) => `Environment=${name}=${value}\n`)
  const units = files.map(({ name, content }) => [
    name,
    // What docs/frameworks.md says of commands, which `unit` does not take.
    content
      .replace(/^ExecStart=.*/m, (line) => [line, ...args].join(' '))
      .replace(/^WorkingDirectory=.*/m, `WorkingDirectory=${cwd}`)
      .replace('[Service]\n', `[Service]\n${lines.join('')}`)
      .replaceAll(join(CHECKOUT, '/'), join(pathInBox(CHECKOUT), '/')),
  ])
  return Object.fromEntries(units)
}

/** The file that node runs, and its arguments. */
function programOf({ app, command }: Way): [entry: string, ...args: string[]] {
  const [word = '', ...args] = command.split(' ')
  if (word === 'node') return [args[0] ?? '', ...args.slice(1)]
  const { dependencies = {} } = manifestOf(`examples/frameworks/${app.name}`)
  for (const name of Object.keys(dependencies)) {
    const folder = join(folderOf(app), 'node_modules', name)
    const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      bin?: Readonly<Record<string, string>>
    }
    const file = bin?.[word]
    if (file !== undefined) return [join(folder, file), ...args]
  }
  throw new Error(`no dependency of ${app.name} has the command ${word}`)
}
