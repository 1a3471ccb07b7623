import { endProcesses, type Generation } from '@socket-port/testkit'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'
import { startChild } from './testing/child.ts'

afterEach(endProcesses)

interface Started {
  child: Generation
  /** Opens a connection to the application, or to the other server of its process. */
  open(path: string, server?: 'application' | 'other'): Promise<RawConnection>
}

async function start(CLOSE: string, PLATFORM = 'express'): Promise<Started> {
  const child = startChild('signals.mjs', { CLOSE, PLATFORM })
  const [, application, other] = await child.printed(/ports (\d+) (\d+)/)
  return {
    child,
    async open(path, server = 'application') {
      const connection = await RawConnection.open(Number(server === 'other' ? other : application))
      connection.send(get(path))
      return connection
    },
  }
}

/** `'SIGTERM'` by a signal, else the exit code. */
async function endOf(child: Generation): Promise<NodeJS.Signals | number | null> {
  const { signal, code } = await child.exit
  return signal ?? code
}

const linesOf = ({ output }: Generation): string[] => output.trimEnd().split('\n')

const HOOKS = (by: string): string[] => ['destroyed', `shut down by ${by}`]
const FASTIFY_HOOKS = (by: string): string[] => [
  'destroyed',
  'closed Fastify',
  `shut down by ${by}`,
]

describe('SIGTERM', () => {
  it.each([
    ['express', 'nobody', 0, ['hook SIGTERM']],
    ['express', 'nest', 'SIGTERM', ['hook SIGTERM', ...HOOKS('SIGTERM')]],
    ['express', 'nestAndExit', 0, ['hook SIGTERM', ...HOOKS('SIGTERM')]],
    ['express', 'listener', 0, ['hook SIGTERM', ...HOOKS('a listener')]],
    ['express', 'hook', 0, ['hook SIGTERM', ...HOOKS('a hook')]],
    ['fastify', 'nobody', 0, ['closed Fastify', 'hook SIGTERM']],
    ['fastify', 'nest', 'SIGTERM', ['hook SIGTERM', ...FASTIFY_HOOKS('SIGTERM')]],
    ['fastify', 'nestAndExit', 0, ['hook SIGTERM', ...FASTIFY_HOOKS('SIGTERM')]],
    ['fastify', 'listener', 0, ['hook SIGTERM', ...FASTIFY_HOOKS('a listener')]],
    ['fastify', 'hook', 0, ['closed Fastify', 'hook SIGTERM', ...HOOKS('a hook')]],
  ])('on %s drains, then %s closes the application, and it ends with %s', async (...row) => {
    const [platform, close, end, hooks] = row
    const { child, open } = await start(close, platform)
    const held = await open('/hold')
    await child.printed(/holding/)
    child.signal('SIGTERM')
    await child.printed(/signal/)
    const late = await open('/release')
    expect(await late.receive(/released$/)).toMatch(/connection: close/i)
    expect(await held.receive(/held$/)).toMatch(/connection: close/i)
    expect(await endOf(child)).toBe(end)
    expect(linesOf(child).slice(2)).toEqual(['holding', 'signal', ...hooks])
  })

  it('without a connection runs the hooks of Nest and ends by the signal', async () => {
    const { child } = await start('nest')
    child.signal('SIGTERM')
    expect(await endOf(child)).toBe('SIGTERM')
    expect(linesOf(child).slice(2)).toEqual(['signal', 'hook SIGTERM', ...HOOKS('SIGTERM')])
  })

  it('keeps the modules until the other servers of the process have drained', async () => {
    const { child, open } = await start('nest')
    const held = await open('/hold', 'other')
    await child.printed(/holding/)
    child.signal('SIGTERM')
    await child.printed(/signal/)
    const late = await open('/release', 'other')
    await late.receive(/released$/)
    await held.receive(/held$/)
    expect(await endOf(child)).toBe('SIGTERM')
    expect(linesOf(child).slice(-3)).toEqual(['hook SIGTERM', ...HOOKS('SIGTERM')])
  })

  it('a second time cuts what is open; the hooks of Nest still run', async () => {
    const { child, open } = await start('nest')
    const held = await open('/hold')
    await child.printed(/holding/)
    child.signal('SIGTERM')
    await child.printed(/signal/)
    // Those of the first moments are still the first one.
    const impatience = setInterval(() => child.signal('SIGTERM'), 10)
    await held.closed
    clearInterval(impatience)
    expect(await endOf(child)).toBe('SIGTERM')
    expect(linesOf(child).slice(-3)).toEqual(['hook SIGTERM', ...HOOKS('SIGTERM')])
  })
})

describe('SIGINT', () => {
  it('without a terminal is the full drain', async () => {
    const { child, open } = await start('nest')
    const idle = await open('/release')
    await idle.receive(/released$/)
    child.signal('SIGINT')
    await child.printed(/signal/)
    // The quick form would have closed it by now.
    idle.send(get('/release'))
    expect(await idle.receive(/released$/)).toMatch(/connection: close/i)
    await idle.closed
    expect(await endOf(child)).toBe('SIGINT')
    expect(linesOf(child).slice(-3)).toEqual(['hook SIGINT', ...HOOKS('SIGINT')])
  })
})
