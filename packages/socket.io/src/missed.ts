import {
  type Adapter,
  EVENT,
  type Namespace,
  type SessionAdapter,
  type Socket,
} from './internals.ts'

// An adapter that keeps broadcasts, such as that of Redis streams, gives each broadcast an offset. A client that connects
// again asks with its last offset for the broadcasts that it has missed. A client that was handed over does not ask, so the
// server looks for them.

/** The offset of a stream without an entry. */
const START = '0-0'

/** How many broadcasts are remembered for clients that arrive later. */
const MOST_REMEMBERED = 1_000

interface Broadcast {
  readonly offset: string
  readonly data: unknown[]
  readonly rooms: ReadonlySet<string>
  readonly except: ReadonlySet<string>
}

interface Followed {
  readonly adapter: SessionAdapter
  /** The offset of the last broadcast that the clients of this process got. */
  offset: string
  /** The last broadcasts that came to this process. */
  readonly broadcasts: Broadcast[]
}

const followed = new WeakMap<Adapter, Followed>()

/** Remembers what the adapter of a namespace broadcasts. Call it before the first client connects. */
export function followBroadcasts({ adapter }: Namespace): void {
  if (!keepsSessions(adapter) || followed.has(adapter)) return
  const state: Followed = { adapter, offset: START, broadcasts: [] }
  followed.set(adapter, state)
  const { addOffsetIfNecessary } = adapter
  // Called for each broadcast of any server, just before the clients here get it.
  adapter.addOffsetIfNecessary = (packet, options, offset) => {
    addOffsetIfNecessary.call(adapter, packet, options, offset)
    const { data } = packet
    // A packet that may get lost, or that awaits an answer, gets no offset.
    if (positionOf(offset) === undefined || data.at(-1) !== offset) return
    state.offset = offset
    const { rooms, except } = options
    state.broadcasts.push({ offset, data, rooms: new Set(rooms), except: new Set(except) })
    if (state.broadcasts.length > MOST_REMEMBERED) state.broadcasts.shift()
  }
}

/** The offset of the last broadcast that the clients of this process got; `undefined` if the adapter does not know it. */
export const offsetOf = ({ adapter }: Namespace): string | undefined =>
  followed.get(adapter)?.offset

/**
 * Returns the broadcasts for a client since `offset`, as the broker knows them. Returns none if this process got all of them
 * itself, or if the broker fails.
 */
export async function askBroker(socket: Socket, offset: string): Promise<unknown[][]> {
  const { id: sid, pid, rooms, nsp } = socket
  const state = followed.get(nsp.adapter)
  if (state === undefined || pid === undefined || remembersSince(state, offset)) return []
  const { adapter } = state
  try {
    // The adapter answers only for a session that it knows, and forgets the session when it answers.
    await adapter.persistSession({ sid, pid, rooms: [...rooms], data: {} })
    const session = await adapter.restoreSession(pid, offset)
    return session?.missedPackets ?? []
  } catch {
    return []
  }
}

/**
 * Sends a client the broadcasts since `offset`, which came while no process had the client. Call it in the turn of the event
 * loop in which broadcasts begin to reach the client.
 */
export function sendMissed(socket: Socket, offset: string, known: readonly unknown[][]): void {
  const state = followed.get(socket.nsp.adapter)
  if (state === undefined) return
  const [first] = state.broadcasts
  const earlier = known.filter(
    (data) => first === undefined || isAfter(first.offset, String(data.at(-1))),
  )
  const here = state.broadcasts.filter((one) => isAfter(one.offset, offset) && isFor(socket, one))
  for (const data of [...earlier, ...here.map(({ data }) => data)]) {
    socket.packet({ type: EVENT, data })
  }
  // The next process asks with it, if nothing is broadcast until then.
  const last = String(known.at(-1)?.at(-1) ?? offset)
  if (isAfter(last, state.offset)) state.offset = last
}

const remembersSince = ({ broadcasts }: Followed, offset: string): boolean =>
  broadcasts.some((one) => !isAfter(one.offset, offset))

function isFor({ rooms }: Socket, broadcast: Broadcast): boolean {
  const isIn = (some: ReadonlySet<string>): boolean => [...rooms].some((room) => some.has(room))
  return (broadcast.rooms.size === 0 || isIn(broadcast.rooms)) && !isIn(broadcast.except)
}

const keepsSessions = (adapter: Adapter): adapter is SessionAdapter =>
  ['addOffsetIfNecessary', 'persistSession', 'restoreSession'].every(
    (name) => typeof Reflect.get(adapter, name) === 'function',
  )

/** The two numbers of an id of a Redis stream. Ids of other brokers have no order. */
function positionOf(offset: string): [number, number] | undefined {
  const [, time, sequence] = /^(\d+)-(\d+)$/.exec(offset) ?? []
  return time === undefined ? undefined : [Number(time), Number(sequence)]
}

function isAfter(offset: string, other: string): boolean {
  const [time, sequence] = positionOf(offset) ?? [0, 0]
  const [otherTime, otherSequence] = positionOf(other) ?? [0, 0]
  return time === otherTime ? sequence > otherSequence : time > otherTime
}
