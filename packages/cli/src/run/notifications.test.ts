import { fstatSync, openSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { ProcessTable } from '../supervisor/process-table.ts'
import { Worker } from '../supervisor/worker.ts'
import { FakeChild } from '../testing/fake-child.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { FdStore } from './fd-store.ts'
import { deliver } from './notifications.ts'

const store = new FdStore()
afterEach(() => store.close())

function setUp({ pid, access = 'main' as const }: { pid: number; access?: 'main' | 'all' }) {
  const rules = {
    ready: { kind: 'notify' as const },
    register: false,
    program: 'x',
    watchdog: undefined,
  }
  const times = { readyTimeout: 1000, settle: 10, drainTimeout: 10 }
  const place = { generation: 1, worker: 1 }
  const clock = new FakeClock()
  const worker = new Worker(new FakeChild(pid), place, { ...rules, ...times }, clock)
  const table = new ProcessTable()
  table.add(worker)
  const delivered: Worker[] = []
  const send = (from: number | undefined, text: string, fds: number[] = []): void => {
    const fields = new Map(text.split('\n').map((line) => line.split('=') as [string, string]))
    deliver(
      { pid: from, fields, fds },
      {
        table,
        access,
        store,
        kept: new Set(),
        delivered: (one) => delivered.push(one),
        replacementOf: () => undefined,
      },
    )
  }
  return { worker, delivered, send, clock }
}

const isOpen = (fd: number): boolean => {
  try {
    return fstatSync(fd) !== undefined
  } catch {
    return false
  }
}

describe('deliver', () => {
  it('a message of the process itself counts', () => {
    const { worker, delivered, send } = setUp({ pid: 77 })
    send(77, 'READY=1\nSTATUS=up')
    expect(worker).toMatchObject({ state: 'settling', reported: { status: 'up' } })
    expect(delivered).toEqual([worker])
  })

  it.each([undefined, 78, 2 ** 22])('a message of %s does not count', (from) => {
    const { worker, delivered, send } = setUp({ pid: 77 })
    const fd = openSync('/dev/null', 'r')
    send(from, 'READY=1\nFDSTORE=1', [fd])
    expect(worker.state).toBe('starting')
    expect(delivered).toEqual([])
    expect(isOpen(fd)).toBe(false)
  })

  it('stores descriptors with FDSTORE=1, and closes all others', () => {
    const { send } = setUp({ pid: 77 })
    const [kept, barrier] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')]
    send(77, 'FDSTORE=1\nFDNAME=a', [kept])
    send(77, 'BARRIER=1', [barrier])
    expect([isOpen(kept), isOpen(barrier)]).toEqual([true, false])
    expect(store.all.map(({ name }) => name)).toEqual(['a'])
    send(77, 'FDSTOREREMOVE=1\nFDNAME=a')
    expect(isOpen(kept)).toBe(false)
  })
})
