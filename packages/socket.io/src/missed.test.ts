import { expect, it } from 'vitest'
import type { Namespace, Socket } from './internals.ts'
import { askBroker, followBroadcasts, offsetOf, sendMissed } from './missed.ts'

const TO_ALL = { rooms: [], except: [] }

/** A namespace whose adapter keeps what was broadcast, and a socket of it. */
function namespace(broadcasts: readonly string[] = []) {
  const known: object[] = []
  let questions = 0
  const adapter = {
    broadcast() {},
    addOffsetIfNecessary({ data, id }: { data: unknown[]; id?: number }, _: object, at: string) {
      if (id === undefined) data.push(at)
    },
    persistSession: (session: object) => void known.push(session),
    async restoreSession(pid: string, offset: string) {
      questions += 1
      const at = broadcasts.indexOf(offset)
      if (at < 0 || known.pop() === undefined) throw new Error(`${pid} is not known`)
      return { missedPackets: broadcasts.slice(at + 1).map((id) => ['asked', id]) }
    },
  }
  const sent: unknown[] = []
  const packet = ({ data }: { data?: unknown }): void => void sent.push((data as unknown[]).join())
  const nsp = { adapter } as unknown as Namespace
  const rooms = new Set(['id', 'a'])
  const socket = { id: 'id', pid: 'pid', rooms, nsp, packet } as unknown as Socket
  followBroadcasts(nsp)
  return {
    nsp,
    sent,
    questions: () => questions,
    hear: (offset: string, options: object = TO_ALL, packet: object = {}) =>
      adapter.addOffsetIfNecessary({ data: ['heard'], ...packet }, options, offset),
    async continue(offset: string) {
      sendMissed(socket, offset, await askBroker(socket, offset))
    },
  }
}

it('broadcasts that this process got since the offset are sent, and the broker is not asked', async () => {
  const one = namespace()
  for (const offset of ['9-0', '9-2', '9-10', '10-0']) one.hear(offset)
  await one.continue('9-2')
  expect(one.sent).toEqual(['heard,9-10', 'heard,10-0'])
  expect([one.questions(), offsetOf(one.nsp)]).toEqual([0, '10-0'])
})

it('broadcasts that came while no process ran are requested from the broker, and none is sent twice', async () => {
  const one = namespace(['1-0', '1-1', '2-0', '3-0'])
  for (const offset of ['2-0', '3-0']) one.hear(offset)
  await one.continue('1-0')
  expect(one.sent).toEqual(['asked,1-1', 'heard,2-0', 'heard,3-0'])
  expect(one.questions()).toBe(1)
})

it.each([
  ['of its rooms', { rooms: ['a', 'b'], except: [] }, 1],
  ['of other rooms', { rooms: ['b'], except: [] }, 0],
  ['of one of its rooms that leaves another out', { rooms: ['a'], except: ['id'] }, 0],
])('only broadcasts for it are sent: %s', async (_, options, count) => {
  const one = namespace()
  one.hear('1-0')
  one.hear('2-0', options)
  await one.continue('1-0')
  expect(one.sent.length).toBe(count)
})

it('if the broker has forgotten the offset, or fails, the client goes on, and the next process asks from there', async () => {
  const one = namespace(['5-0'])
  await one.continue('1-0')
  expect([one.sent, one.questions(), offsetOf(one.nsp)]).toEqual([[], 1, '1-0'])
})

it('after a process that got no broadcast, the next one begins with the first broadcast', async () => {
  const [first, second] = [namespace(), namespace()]
  second.hear('7-0')
  await second.continue(offsetOf(first.nsp) ?? '')
  expect(second.sent).toEqual(['heard,7-0'])
})

it('a packet without an offset is not remembered: it may be lost, or awaits an answer', async () => {
  const one = namespace()
  one.hear('1-0')
  one.hear('2-0', TO_ALL, { id: 7 })
  await one.continue('1-0')
  expect([one.sent, offsetOf(one.nsp)]).toEqual([[], '1-0'])
})

it('ids that have no order are no offsets, and another adapter is left alone', async () => {
  const one = namespace()
  one.hear('507f1f77bcf86cd799439011')
  expect(offsetOf(one.nsp)).toBe('0-0')
  const nsp = { adapter: { broadcast() {} } } as unknown as Namespace
  followBroadcasts(nsp)
  expect([Object.keys(nsp.adapter), offsetOf(nsp)]).toEqual([['broadcast'], undefined])
})

it('only the last 1,000 are remembered', async () => {
  const one = namespace()
  for (let n = 0; n < 1_002; n++) one.hear(`1-${n}`)
  await one.continue('1-0')
  expect([one.questions(), one.sent.length]).toEqual([1, 1_000])
})
