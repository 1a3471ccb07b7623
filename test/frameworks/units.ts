import { join } from 'node:path'
import { socketPort } from '@socket-port/testkit/command'
import { CHECKOUT, pathInBox } from '@socket-port/testkit/systemd/paths'
import type { Units } from '@socket-port/testkit/systemd/unit-files'
import { nodeBinary } from '../src/nodes.ts'
import { folderOf, MAJOR, unitLine, type Way } from './apps.ts'

/** The unit's name, whichever the app. */
export const UNIT = 'app'

/** The units that the line prints, for the place of the checkout in a booted systemd. */
export async function unitsOf(way: Way, port: number): Promise<Units> {
  const [, ...words] = (unitLine(way) ?? '').replace('3000', `${port}`).split(' ')
  const options = ['--node', nodeBinary(MAJOR), '--name', UNIT, '--json']
  const cwd = folderOf(way.app)
  const { stdout, stderr } = await socketPort([...words, ...options], { cwd })
  if (stdout === '') throw new Error(`${words.join(' ')} in ${cwd}: ${stderr}`)
  const { files } = JSON.parse(stdout) as { files: { name: string; content: string }[] }
  const checkout = new RegExp(join(CHECKOUT, '/'), 'g')
  const { env = {} } = way.app.traits
  const lines = Object.entries(env).map(([name, value]) => `Environment=${name}=${value}\n`)
  const units = files.map(({ name, content }) => [
    name,
    content
      .replaceAll(checkout, join(pathInBox(CHECKOUT), '/'))
      .replace('[Service]\n', `[Service]\n${lines.join('')}`),
  ])
  return Object.fromEntries(units)
}
