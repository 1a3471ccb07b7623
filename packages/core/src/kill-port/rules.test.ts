import { describe, expect, it } from 'vitest'
import type { Holder } from '../proc/holders.ts'
import type { PortUse } from '../proc/system.ts'
import { type Caller, hiddenListener, refusal } from './rules.ts'

const caller: Caller = {
  pid: 100,
  uid: 501,
  ancestors: [90, 1],
  activator: () => undefined,
  elsewhere: [],
}

const holder = (pid: number, facts: Partial<Holder> = {}): Holder => ({
  pid,
  command: 'node server.js',
  uid: 501,
  startTime: '1',
  sockets: ['a'],
  ...facts,
})

const use = (...holders: Holder[]): PortUse => ({
  listeners: [{ socket: 'a', uid: 501 }],
  holders,
})

const own = holder(200)

describe('refusal', () => {
  it("allows the user's own processes", () => {
    expect(refusal(use(own, holder(201)), caller)).toBeUndefined()
    expect(refusal({ listeners: [], holders: [] }, caller)).toBeUndefined()
  })

  it('allows them if the owner of the socket is not known', () => {
    const listeners = [{ socket: 'a', uid: undefined }]
    expect(refusal({ listeners, holders: [own] }, caller)).toBeUndefined()
  })

  it.each([
    { who: 'this process', holders: [holder(100)], says: /would end itself/ },
    { who: 'its parent', holders: [holder(90)], says: /^pid 90 .* started this process/ },
    { who: 'PID 1', holders: [holder(1, { uid: 0 })], says: /^pid 1 \(node server\.js\) manages/ },
    {
      who: "a user's systemd",
      holders: [holder(300, { command: '/usr/lib/systemd/systemd --user' })],
      says: /^pid 300 .* manages/,
    },
    {
      who: 'systemd-socket-activate',
      holders: [holder(300, { command: 'systemd-socket-activate -l 8080 app' })],
      says: /^pid 300 .* manages/,
    },
    { who: 'another user', holders: [holder(300, { uid: 0 })], says: /^pid 300 .* user 0, .* 501/ },
  ])('protects $who, alone and with others', ({ holders, says }) => {
    const caller1: Caller = { ...caller, ancestors: [90] }
    expect(refusal(use(...holders), caller1)).toMatch(says)
    expect(refusal(use(own, ...holders), caller1)).toMatch(says)
  })

  it('does not take a program for systemd by its arguments', () => {
    expect(refusal(use(holder(300, { command: 'node systemd.js' })), caller)).toBeUndefined()
    expect(refusal(use(holder(300, { command: 'node /systemd' })), caller)).toBeUndefined()
  })

  it.each([
    ['another manager', /^pid 200 .* LISTEN_FDS.*\(systemctl stop/],
    ['socket-port run', /^pid 200 .* socket-port run.* \(socket-port stop\)/],
  ] as const)('protects a process that got its sockets from %s', (manager, says) => {
    const activator = (pid: number) => (pid === 200 ? manager : undefined)
    expect(refusal(use(holder(199), own), { ...caller, activator })).toMatch(says)
  })

  it('protects a process of another pid namespace, alone and with others', () => {
    const shared = { ...caller, elsewhere: [200] }
    expect(refusal(use(own), shared)).toMatch(/^pid 200 .* runs in another container/)
    expect(refusal(use(holder(201), own), shared)).toMatch(/^pid 200 .*\(pid namespace\)/)
    expect(refusal(use(holder(201)), shared)).toBeUndefined()
  })

  it('protects a socket that no visible process holds', () => {
    const listeners = [
      { socket: 'a', uid: 501 },
      { socket: 'b', uid: 33 },
    ]
    expect(refusal({ listeners, holders: [own] }, caller)).toMatch(/user 33, .*user 501/)
    expect(hiddenListener({ listeners, holders: [own] })).toBe(listeners[1])
  })

  it('protects a socket that another user opened', () => {
    const listeners = [{ socket: 'a', uid: 0 }]
    expect(refusal({ listeners, holders: [own] }, caller)).toMatch(/opened by user 0/)
  })
})
