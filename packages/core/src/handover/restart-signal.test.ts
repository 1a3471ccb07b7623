import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const MODULE = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

/** A process that serves, and prints which signals it receives and which variables its children inherit. */
const PROGRAM = `
const { createServer } = await import('node:http')
const { serve } = await import(${JSON.stringify(MODULE)})
process.on('SIGTERM', () => console.log('program: SIGTERM'))
await serve(createServer(), 0)
console.log('variable: ' + process.env.SOCKET_PORT_RESTART_SIGNAL)
process.send('ready')
`

async function signalled(signal: NodeJS.Signals, env: NodeJS.ProcessEnv): Promise<unknown[]> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    env: { ...process.env, NOTIFY_SOCKET: undefined, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const output = text(child.stdout as NodeJS.ReadableStream)
  await once(child, 'message')
  child.kill(signal)
  const [code, endedBy] = await once(child, 'exit')
  return [code, endedBy, ...(await output).trim().split('\n')]
}

describe('SOCKET_PORT_RESTART_SIGNAL', () => {
  it('turns its signal into a SIGTERM for every listener of the program', async () => {
    const env = { SOCKET_PORT_RESTART_SIGNAL: 'SIGUSR2' }
    expect(await signalled('SIGUSR2', env)).toEqual([
      0,
      null,
      'variable: undefined',
      'program: SIGTERM',
    ])
  })

  it.each(['SIGTERM', 'SIGKILL', 'no signal', ''])('is ignored with the value %j', async (name) => {
    const env = { SOCKET_PORT_RESTART_SIGNAL: name }
    expect(await signalled('SIGTERM', env)).toContain('program: SIGTERM')
  })

  it('has no effect if it is not set', async () => {
    expect((await signalled('SIGUSR2', {})).slice(0, 2)).toEqual([null, 'SIGUSR2'])
  })
})
