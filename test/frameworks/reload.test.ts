import { execFileSync } from 'node:child_process'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, it } from 'vitest'
import { manifestOf } from '../src/docs/documents.ts'
import { appsSkipReason, WRAPPERS, ways } from './apps.ts'
import { expectReloads } from './reloads.ts'

const RELOADS = Number(process.env.SOCKET_PORT_RESTARTS ?? 10)

const WHAT = `socket-port run --register, ${RELOADS} reloads under load: 0 failed, 0 closed`

describe(...requireOrSkip(WHAT, appsSkipReason()), () => {
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

describe(...requireOrSkip(`${WHAT}, below a wrapper`, appsSkipReason()), () => {
  it.each(wrapped)('$title: $command', async ({ app, command }) => {
    await expectReloads(app, command.replace(/^pnpm/, pnpm).split(' '), RELOADS)
  })
})
