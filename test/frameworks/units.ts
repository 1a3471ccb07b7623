import { join } from 'node:path'
import { socketPort } from '@socket-port/testkit/command'
import { CHECKOUT, pathInBox } from '@socket-port/testkit/systemd/paths'
import type { Units } from '@socket-port/testkit/systemd/unit-files'
import { nodeBinary } from '../src/nodes.ts'
import { folderOf, MAJOR, OFFLINE, unitLine, type Way } from './apps.ts'

/** The unit's name, whichever the app. */
export const UNIT = 'app'

/** The units of `socket-port unit --register`, for the place of the checkout in a booted systemd. */
export async function unitsOf(way: Way, port: number): Promise<Units> {
  const cwd = folderOf(way.app)
  const options = ['--node', nodeBinary(MAJOR), '--name', UNIT, '--json']
  const [, unit = '', entry = '', ...others] = unitLine(way).replace('3000', `${port}`).split(' ')
  const words = [unit, entry, ...options, ...others]
  const { stdout, stderr } = await socketPort(words, { cwd })
  if (stdout === '') throw new Error(`${words.join(' ')} in ${cwd}: ${stderr}`)
  const { files } = JSON.parse(stdout) as { files: { name: string; content: string }[] }
  const variables = { ...OFFLINE, ...way.app.traits.env }
  const lines = Object.entries(variables).map(([name, value]) => `Environment=${name}=${value}\n`)
  const units = files.map(({ name, content }) => [
    name,
    content
      .replace('[Service]\n', `[Service]\n${lines.join('')}`)
      .replaceAll(join(CHECKOUT, '/'), join(pathInBox(CHECKOUT), '/')),
  ])
  return Object.fromEntries(units)
}
