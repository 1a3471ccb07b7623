import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SOCKET_PORT, socketPort } from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { type SupervisedStatus, startSupervised } from '@socket-port/testkit/supervised'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { ask } from '../../src/docs/ask.ts'
import { DEPLOY_UNIT } from '../../src/docs/commands.ts'
import { ROOT, readRoot } from '../../src/docs/documents.ts'
import { codeBlocks } from '../../src/docs/markdown.ts'
import { type Ended, run } from '../../src/docs/run.ts'

afterEach(endProcesses)

const blocks = codeBlocks(readRoot('docs/deploy.md')).map(({ code }) => code)
const deployScript = blocks.find((code) => code.startsWith('#!')) ?? ''

/** The folder of the page, with a release for each server; the first one is current. */
function makeReleases(dir: string, ...servers: string[]): void {
  for (const [index, code] of servers.entries()) {
    const release = join(dir, 'releases', String(index + 1))
    mkdirSync(release, { recursive: true })
    symlinkSync(join(ROOT, 'test/node_modules'), join(release, 'node_modules'))
    writeFileSync(join(release, 'server.mjs'), code)
  }
  symlinkSync('releases/1', join(dir, 'current'))
}

const says = (text: string, port: number): string => `import { createServer } from 'node:http'
  import { serve } from '@socket-port/core'
  await serve(createServer((_, response) => response.end('${text}')), ${port})`

test('the script of docs/deploy.md makes a release current, and goes back where one fails', async () => {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'socket-port-deploy-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const port = freePort()
  makeReleases(dir, says('one', port), says('two', port), "throw new Error('no such table')")
  const current = join(dir, 'current')

  // What it prints is what starts here, but for the control socket, whose folder systemd makes.
  const line = DEPLOY_UNIT.replace('/srv/app', dir).replace('8080', String(port))
  const { stdout } = await socketPort(line.split(' ').slice(1))
  const [, options = '', program = ''] = /^ExecStart=.* run (.*) -- (.*)$/m.exec(stdout) ?? []
  const control = join(dir, 'control.sock')
  const supervised = startSupervised({
    args: options.replace(/%t\S+/, control).split(' '),
    command: program.split(' '),
    cwd: current,
  })
  onTestFinished(() => supervised.dispose())
  await supervised.printed(/generation 1 is ready/)
  expect(await ask(port)).toBe('one')

  const deploy = deployIn(dir, control)
  expect(await deploy('2')).toMatchObject({ status: 0 })
  const [worker] = (await untilDrained(control)).workers
  expect(await ask(port)).toBe('two')
  expect(readlinkSync(`/proc/${worker?.pid}/cwd`)).toBe(join(dir, 'releases/2'))

  const failed = await deploy('3')
  expect(failed.status).toBe(1)
  expect(failed.stderr).toContain('no such table')
  expect(readlinkSync(current)).toBe('releases/2')
  expect(await ask(port)).toBe('two')
  expect(await deploy('1')).toMatchObject({ status: 0 })
  await untilDrained(control)
  expect(await ask(port)).toBe('one')
})

/** Asks until no old process is left; resolves with the generation that serves. */
async function untilDrained(control: string): Promise<SupervisedStatus['generations'][number]> {
  for (;;) {
    const { stdout } = await socketPort(['status', '--json', '--control', control])
    const [newest, ...older] = (JSON.parse(stdout) as SupervisedStatus).generations
    if (newest !== undefined && older.length === 0) return newest
  }
}

/** Runs the script there. Its systemctl does what the unit's ExecReload= says. */
function deployIn(dir: string, control: string): (release: string) => Promise<Ended> {
  const write = (name: string, text: string): void => {
    writeFileSync(join(dir, name), text)
    chmodSync(join(dir, name), 0o755)
  }
  write('deploy.sh', deployScript.replace('/srv/app', dir))
  mkdirSync(join(dir, 'bin'))
  write(
    'bin/systemctl',
    `#!/bin/sh\n[ "$*" = 'reload app.service' ] && exec ${process.execPath} -- ${SOCKET_PORT} reload --control ${control}\n`,
  )
  const PATH = `${join(dir, 'bin')}:${process.env.PATH}`
  return (release) => run(join(dir, 'deploy.sh'), [release], { env: { PATH } })
}
