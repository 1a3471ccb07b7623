import { type Generation, startGeneration } from '@socket-port/testkit/generation'
import { freePort, type Listener, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, describe, expect, it } from 'vitest'
import { ManagerSocket } from '../../../packages/core/src/testing/manager-socket.ts'
import { closeAll } from '../../../packages/core/src/testing/real-sockets.ts'
import { fixture } from './report.ts'

const listeners: Listener[] = []

afterEach(async () => {
  await endProcesses()
  await closeAll()
  for (const listener of listeners.splice(0)) listener.close()
})

interface Outcome {
  port?: number
  code?: string
  message?: string
}

interface Started {
  metrics: Outcome
  app: Outcome
  process: Generation
  manager: ManagerSocket
  /** That of the one socket which was passed. */
  port: number
}

/** A process that got one socket, for the application, and opens metrics before it. */
async function start(
  WAY: string,
  metrics: object,
  app: object = {},
  env: Record<string, string> = {},
): Promise<Started> {
  const listener = openListener()
  listeners.push(listener)
  const { port, fd } = listener
  const manager = new ManagerSocket()
  const started = startGeneration({
    script: fixture('core-metrics.mjs'),
    sockets: [{ fd }],
    env: {
      WAY,
      METRICS: JSON.stringify(metrics),
      APP: JSON.stringify({ port, ...app }),
      NOTIFY_SOCKET: manager.address,
      ...env,
    },
  })
  const report = (await started.ready()) as unknown as Pick<Started, 'metrics' | 'app'>
  return { ...report, process: started, manager, port }
}

describe.each(['serve', 'attach', 'listen'])('metrics before the application, by %s', (way) => {
  it('takes the only socket at another port, and then the application is told who has it', async () => {
    const other = freePort()
    const { metrics, app, process, manager, port } = await start(way, { port: other })
    expect(metrics).toEqual({ port })
    expect(app).toEqual({
      code: 'EADDRINUSE',
      message:
        `cannot listen on port ${port} (EADDRINUSE): the server that asked for port ${other} has taken the ` +
        `inherited socket fd 3 [::]:${port}, because no other was passed. Let the manager open a socket ` +
        "for each (socket-port run --listen, ListenStream=), give that server inherit: 'never', so that it binds a socket of its own, or let it listen last",
    })
    expect(manager.texts()).toEqual([])
    expect(process.stderr).toMatch(
      /^socket-port: warning: port \d+ was asked for[^\n]*\n[^\n]*READY=1[^\n]*\n$/,
    )
  })

  it('says so too where the port would be freed, or the socket must be inherited', async () => {
    for (const options of [{ killPort: true }, { inherit: 'require' }, { inherit: 'never' }]) {
      const { app } = await start(way, { port: freePort() }, options)
      expect(app.message).toMatch(/has taken the inherited socket .* inherit: 'never'/)
    }
  })

  it('is reported in STATUS= where READY=1 was sent before the application listens', async () => {
    const { app, process, manager, port } = await start(way, { port: freePort() }, {}, { GAP: '1' })
    expect(app.code).toBe('EADDRINUSE')
    expect(manager.texts()).toEqual([
      expect.stringMatching(/^READY=1\n/),
      expect.stringMatching(
        new RegExp(
          `^STATUS=a server cannot listen: cannot listen on port ${port} .*taken the inherited`,
        ),
      ),
    ])
    expect(process.stderr).toMatch(/error: a server cannot listen, but READY=1 was sent before/)
  })

  it('leaves the socket to the application at port 0', async () => {
    const { metrics, app, process, manager, port } = await start(way, { port: 0 })
    expect(app).toEqual({ port })
    expect(metrics.port).not.toBe(port)
    expect(manager.texts()).toEqual([expect.stringMatching(/^READY=1\n/)])
    expect(process.stderr).toMatch(
      /none of the inherited sockets fits port 0: .*inherit: 'never'\n$/,
    )
  })

  it.each([
    ['port 0', 0],
    ['a port of its own', freePort()],
  ])("leaves it with inherit: 'never' at %s, without a warning", async (_, at) => {
    const { app, process, manager, port } = await start(way, { port: at, inherit: 'never' })
    expect(app).toEqual({ port })
    expect(manager.texts()).toEqual([expect.stringMatching(/^READY=1\n/)])
    expect(process.stderr).toBe('')
  })
})
