import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { type Generation, startGeneration } from '@socket-port/testkit/generation'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, it } from 'vitest'
import { appsSkipReason, environmentOf, folderOf, ways } from './apps.ts'
import { Clients } from './clients.ts'

// What a restart costs without this package. Should one lose nothing, no zero of the other tests proves a thing.

const CONTROLS = ['next', 'next, standalone', 'sveltekit', 'express']

/** Milliseconds between the two signals. */
const PATIENCE = 1000

afterEach(endProcesses)

const WHAT = 'negative control: stopped and started again, without socket-port'

describe(...requireOrSkip(WHAT, appsSkipReason()), () => {
  it.each(ways.filter(({ title }) => CONTROLS.includes(title)))(
    '$title: loses requests',
    async ({ app, command }) => {
      const port = freePort()
      const start = async (): Promise<Generation> => {
        const env = { ...environmentOf(app), PORT: `${port}` }
        const options = { command: command.split(' '), cwd: folderOf(app), env }
        const generation = startGeneration(options)
        while (!(await accepts(port))) await setTimeout(10)
        return generation
      }
      let current = await start()
      await untilLost(async () => {
        const clients = await Clients.start(app, port)
        current.signal('SIGTERM')
        // Next waits for busy connections, and without an end: managers then send SIGKILL.
        await Promise.race([current.exit, setTimeout(PATIENCE)])
        await current.dispose()
        current = await start()
        return clients.stop()
      })
    },
  )
})

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
