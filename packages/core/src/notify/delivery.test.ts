import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import {
  commandSkipReason,
  linuxSkipReason,
  requireOrSkip,
} from '@socket-port/testkit/requirements'
import { logHolds } from '@socket-port/testkit/systemd/log-file'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../base/types.ts'
import { CHANNEL_VARIABLE } from '../process/environment.ts'
import { successorRuns } from '../process/successor.ts'
import { F_DUPFD_CLOEXEC } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'
import { ChildChannel } from '../supervisor/child-channel.ts'
import type { Notification } from '../supervisor/notification.ts'
import { fakeProgram } from '../testing/fake-program.ts'
import { ManagerSocket, startedWith } from '../testing/manager-socket.ts'
import { closeAll, onClose, temporaryDirectory } from '../testing/real-sockets.ts'
import { notifier } from './notifier.ts'
import { notify } from './notify.ts'

const native = vi.hoisted(() => ({ allowed: true }))
vi.mock(import('../sockets/usable-libc.ts'), async (original) => {
  const real = await original()
  return {
    ...real,
    usableLibc(what) {
      if (native.allowed) return real.usableLibc(what)
      throw new Error('libc cannot be used (it is a test). Install it')
    },
  }
})

let heardNext = (): void => {}
vi.mock(import('../process/successor.ts'), async (original) => {
  const real = await original()
  return {
    ...real,
    nextServes() {
      real.nextServes()
      heardNext()
    },
  }
})

let warnings: string[]
let warned = (): void => {}
const logger: Logger = {
  debug: () => {},
  info: () => {},
  warn(message) {
    warnings.push(message)
    warned()
  },
  error: () => {},
}
const { PATH } = process.env

beforeEach(() => {
  warnings = []
  Reflect.deleteProperty(globalThis, Symbol.for('@socket-port/core/successor/1'))
})

afterEach(async () => {
  native.allowed = true
  process.env.PATH = PATH
  await closeAll()
})

interface Supervisor {
  channel: ChildChannel
  /** The messages that have come. */
  readonly all: readonly Notification[]
  /** Resolves with the messages that have come, as soon as there are so many. */
  heard(count: number): Promise<readonly Notification[]>
}

/** Makes this process one that a supervisor has started. */
function supervised(variables: Record<string, string> = {}): Supervisor {
  const all: Notification[] = []
  let wake = (): void => {}
  const channel = new ChildChannel((message) => {
    all.push(message)
    wake()
  })
  onClose(() => channel.close())
  // What a process of its own would have inherited.
  const inherited = channel.fds.map((fd) => loadLibc().fcntl(fd, F_DUPFD_CLOEXEC, 3))
  channel.started()
  startedWith({
    NOTIFY_SOCKET: '@socket-port/nobody-listens',
    WATCHDOG_PID: String(process.pid),
    SOCKET_PORT_SUCCESSOR: 'running',
    [CHANNEL_VARIABLE]: inherited.join(','),
    ...variables,
  })
  return {
    channel,
    all,
    async heard(count) {
      while (all.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return all
    },
  }
}

describe(...requireOrSkip('without native code', linuxSkipReason()), () => {
  it('messages go through the channel of the supervisor, which learns the sender', async () => {
    const { heard } = supervised()
    const sender = notifier(logger)
    native.allowed = false
    expect(sender.post({ READY: 1, STATUS: 'up' })).toBe(true)
    expect(sender.post({ STATUS: 'busy' })).toBe(true)
    native.allowed = true
    expect(await heard(2)).toEqual([
      { pid: process.pid, fds: [], fields: new Map(Object.entries({ READY: '1', STATUS: 'up' })) },
      { pid: process.pid, fds: [], fields: new Map([['STATUS', 'busy']]) },
    ])
    expect(warnings).toEqual([])
    expect(process.env[CHANNEL_VARIABLE]).toBeUndefined()
  })

  it('the last message is read before the channel is closed', () => {
    const { channel, all } = supervised()
    native.allowed = false
    notify({ stopping: true }, { logger })
    native.allowed = true
    channel.readNow()
    expect(all.map(({ fields }) => fields.get('STOPPING'))).toEqual(['1'])
  })

  it('hundreds of messages come in order', async () => {
    const { heard } = supervised()
    const sender = notifier(logger)
    native.allowed = false
    const texts = Array.from({ length: 600 }, (_, index) => String(index))
    for (let next = 0; next < texts.length; next += 50) {
      for (const text of texts.slice(next, next + 50)) sender.post({ STATUS: text })
      native.allowed = true
      await heard(next + 50)
      native.allowed = false
    }
    native.allowed = true
    expect((await heard(texts.length)).map(({ fields }) => fields.get('STATUS'))).toEqual(texts)
    expect(warnings).toEqual([])
  })

  it('the message that the next process serves is received', async () => {
    const { channel } = supervised()
    expect(successorRuns()).toBe(false)
    native.allowed = false
    notify({ ready: true }, { logger })
    native.allowed = true
    const nextSaid = new Promise<void>((resolve) => {
      heardNext = resolve
    })
    channel.tellNext()
    await nextSaid
    expect(successorRuns()).toBe(true)
  })

  it('one warning is logged when the supervisor has gone, and its descriptors are not used', async () => {
    const { channel } = supervised()
    notifier(logger)
    native.allowed = false
    channel.close()
    expect(notify({ ready: true }, { logger })).toBe(false)
    expect(notify({ status: 'up' }, { logger })).toBe(false)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^notifications do not reach the manager: write failed/)
  })

  it('systemd-notify is run again where a signal to the whole service has ended it', async () => {
    const lines = join(temporaryDirectory(), 'lines')
    fakeProgram(
      'systemd-notify',
      `echo "$2" >> ${lines}; test -e ${lines}.2 && exit
touch ${lines}.2; kill -TERM $$`,
    )
    startedWith({ NOTIFY_SOCKET: '@nobody' })
    native.allowed = false
    expect(notify({ stopping: true }, { logger })).toBe(true)
    expect(await logHolds(lines, 'STOPPING=1\nSTOPPING=1\n', 20_000)).toBe(
      'STOPPING=1\nSTOPPING=1\n',
    )
    expect(warnings).toEqual([])
  })

  const file = openSync('/dev/null', 'r')
  describe(...requireOrSkip('without a channel', commandSkipReason('systemd-notify')), () => {
    it('systemd-notify sends them, one at a time', async () => {
      const manager = new ManagerSocket()
      startedWith({ NOTIFY_SOCKET: manager.address })
      native.allowed = false
      expect(notify({ ready: true, status: '-up =1' }, { logger })).toBe(true)
      expect(notify({ status: 'busy' }, { logger })).toBe(true)
      const texts: string[] = []
      while (texts.length < 2) {
        for (const { text, fds } of await manager.next()) {
          // Its barrier: it ends when the manager has read the message.
          if (text !== 'BARRIER=1') texts.push(text)
          fds.forEach(closeSync)
        }
      }
      expect(texts).toEqual(['READY=1\nSTATUS=-up =1', 'STATUS=busy'])
      expect(warnings).toEqual([])
    })
  })

  it.each([
    ['without the program', { PATH: '/nowhere' }, /systemd-notify cannot be started .*ENOENT/],
    ['of a wrapper', { PATH: '/nowhere', WATCHDOG_PID: '1' }, /systemd-notify cannot be started/],
    [
      'whose descriptors are something else',
      { PATH: '/nowhere', [CHANNEL_VARIABLE]: `${file},${file}` },
      /systemd-notify cannot be started/,
    ],
  ])('a process %s logs what will happen, and what to do', async (what, variables, reason) => {
    if (what === 'without the program') startedWith({ NOTIFY_SOCKET: '@nobody', ...variables })
    else supervised(variables)
    const told = new Promise<void>((resolve) => {
      warned = resolve
    })
    native.allowed = false
    expect(notify({ ready: true }, { logger })).toBe(true)
    await told
    expect(warnings).toEqual([expect.stringMatching(reason)])
    expect(warnings[0]).toContain('libc cannot be used (it is a test). Install it')
    expect(warnings[0]).toContain('or set NotifyAccess=all or Type=exec in the unit')
  })
})
