import { execFileSync } from 'node:child_process'
import { describe, it } from 'vitest'
import { manifestOf } from '../src/docs/documents.ts'
import { WRAPPERS, ways } from './apps.ts'
import { expectReloads } from './reloads.ts'

const RELOADS = Number(process.env.SOCKET_PORT_RESTARTS ?? 10)

describe(`socket-port run --register, ${RELOADS} reloads under load: 0 failed, 0 closed`, () => {
  it.each(ways)('$title', async ({ app, command }) => {
    await expectReloads(app, command.split(' '), RELOADS)
  })
})

// Found on this Node: the npm of the apps' Node is not set up for this machine.
const findPnpm = ['-y', '--package', manifestOf('').packageManager, '--call', 'command -v pnpm']
const pnpm = execFileSync('npx', findPnpm, { encoding: 'utf8' }).trim()

const WRAPPED = ['express', 'next, standalone', 'sveltekit']

const wrapped = ways
  .filter(({ title }) => WRAPPED.includes(title))
  .flatMap(({ app, script, command, title }) =>
    WRAPPERS.map((wrapper) => {
      const [, entry = ''] = /^node (\S+)$/.exec(command) ?? []
      const ran = script === 'start' ? wrapper : wrapper.replace(/start$/, `run ${script}`)
      return { app, title, command: wrapper === 'node --watch' ? `${wrapper} ${entry}` : ran }
    }),
  )

describe(`the same below a wrapper, ${RELOADS} reloads`, () => {
  it.each(wrapped)('$title: $command', async ({ app, command }) => {
    await expectReloads(app, command.replace(/^pnpm/, pnpm).split(' '), RELOADS)
  })
})
