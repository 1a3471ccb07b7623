import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { end, track } from '@socket-port/testkit/processes'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'

const SERVER = fileURLToPath(new URL('../../fixtures/core-serve.mjs', import.meta.url))

const children: ChildProcess[] = []
afterEach(async () => {
  await Promise.all(children.splice(0).map(end))
})

/** A server that warns at its start: the variable of its manager is garbage. */
function start(stderr: number | 'pipe', env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, [SERVER], {
    env: { ...process.env, LISTEN_FDS: 'garbage', LISTEN_PID: '1', ...env },
    stdio: ['ignore', 'pipe', stderr],
    detached: true,
  })
  track(child)
  children.push(child)
  return child
}

describe(...requireOrSkip('a server whose warnings cannot be written', linuxSkipReason()), () => {
  it.each<[string, string | undefined, NodeJS.ProcessEnv]>([
    ['stderr is on a full disk', '/dev/full', {}],
    [
      'stderr is on a full disk, and everything is to be told',
      '/dev/full',
      { NODE_DEBUG: 'socket-port' },
    ],
    ['stderr is closed at its other end', undefined, {}],
    ['stderr is closed, and everything is to be told', undefined, { NODE_DEBUG: 'socket-port' }],
  ])('serves, and ends in order: %s', async (_, file, env) => {
    const fd = file === undefined ? 'pipe' : openSync(file, 'w')
    const child = start(fd, env)
    if (fd === 'pipe') child.stderr?.destroy()
    else closeSync(fd)
    const [line] = await once((child.stdout as Readable).setEncoding('utf8'), 'data')
    const { port } = JSON.parse(line)
    const response = await fetch(`http://localhost:${port}/`, {
      method: 'POST',
      body: 'hello',
      headers: { connection: 'close' },
    })
    expect(await response.text()).toBe('hello')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('warns where stderr takes it', async () => {
    const child = start('pipe', {})
    const [warning] = await once((child.stderr as Readable).setEncoding('utf8'), 'data')
    expect(warning).toMatch(/^socket-port: warning: .*LISTEN_FDS/)
  })
})
