import type { Connected, Io, Namespace, Socket } from './internals.ts'
import { askBroker, followBroadcasts, sendMissed } from './missed.ts'
import { restore } from './restore.ts'
import type { Connections, Tracked } from './tracked.ts'

/** Follows the clients of all namespaces of a server, and gives those of the previous process their state back. */
export function followNamespaces(io: Io, connections: Connections): void {
  for (const namespace of io._nsps.values()) followNamespace(io, namespace, connections)
  io.sockets.on('new_namespace', (namespace: Namespace) =>
    followNamespace(io, namespace, connections),
  )
  const { _checkNamespace: check, adapter } = io
  io.adapter = (...other) => {
    const result = adapter.apply(io, other)
    for (const namespace of io._nsps.values()) followAdapter(io, namespace)
    return result
  }
  // The program may look up whether such a namespace exists, which may take a while.
  io._checkNamespace = (name, auth, found) => {
    const tracked = connections.decoding
    if (tracked === undefined) return check.call(io, name, auth, found)
    tracked.connecting += 1
    check.call(io, name, auth, (namespace) => {
      tracked.connecting -= 1
      const { continued } = tracked
      if (!namespace && continued?.expects(name)) continued.refuse('its namespace is gone')
      else found(namespace)
    })
  }
}

function followNamespace(io: Io, namespace: Namespace, connections: Connections): void {
  const { _add: add, run } = namespace
  const missed = new WeakMap<Socket, () => void>()
  followAdapter(io, namespace)
  namespace._add = (client, auth, connected) => {
    const tracked = connections.of(client.conn)
    if (tracked === undefined) return add.call(namespace, client, auth, connected)
    tracked.client = client
    tracked.connecting += 1
    const joined: Connected = (socket) => {
      tracked.connecting -= 1
      connected?.(socket)
      tracked.continued?.connected(namespace.name)
    }
    return add.call(namespace, client, auth, joined)
  }
  // `run` calls the middlewares.
  namespace.run = (socket, done) => {
    const tracked = connections.of(socket.client.conn)
    if (tracked === undefined) return run.call(namespace, socket, done)
    const decided = (error?: Error | null): void => {
      if (error) tracked.connecting -= 1
      done(error)
    }
    const carried = tracked.continued?.take(namespace.name)
    if (carried === undefined) return run.call(namespace, socket, decided)
    const refuse = (): void => tracked.continued?.refuse('a middleware of its namespace refused it')
    const connect = (offset: string, known: readonly unknown[][]): void => {
      missed.set(socket, () => sendMissed(socket, offset, known))
      decided()
    }
    const accepted = (error?: Error | null): void => {
      const { offset } = carried
      if (error || offset === undefined) decided(error)
      else void askBroker(socket, offset).then((known) => connect(offset, known))
    }
    const next = (): void =>
      skipsMiddlewares(io) ? accepted() : run.call(namespace, socket, accepted)
    const joining = restore(socket, carried, refuse)
    if (joining === undefined) next()
    else joining.then(next, () => tracked.continued?.refuse('its rooms cannot be joined'))
  }
  namespace.prependListener('connection', (socket: Socket) => {
    // Broadcasts reach it from now on.
    missed.get(socket)?.()
    const tracked = connections.of(socket.client.conn)
    if (tracked !== undefined) followSocket(socket, tracked)
  })
}

/** Adapters keep broadcasts only with connection state recovery. */
function followAdapter({ opts }: Io, namespace: Namespace): void {
  if (opts.connectionStateRecovery) followBroadcasts(namespace)
}

/** Whether middlewares are skipped, as for a connection whose state was recovered: the client has passed them before. */
const skipsMiddlewares = ({ opts: { connectionStateRecovery } }: Io): boolean =>
  connectionStateRecovery?.skipMiddlewares === true

/** Counts the events of the client that the program has not finished with. */
function followSocket(socket: Socket, tracked: Tracked): void {
  const { ack, registerAckCallback: ask, run } = socket
  socket.registerAckCallback = (id, answered) => {
    ask.call(socket, id, answered)
    const asking = socket.acks.get(id)
    if (asking !== undefined) tracked.asking.add(asking)
  }
  socket.ack = (id) => {
    const answer = ack.call(socket, id)
    const answered = counted(tracked, 'unanswered')
    return (...args) => {
      answered()
      answer(...args)
    }
  }
  socket.run = (event, done) => {
    if (socket.fns.length === 0) return run.call(socket, event, done)
    const decided = counted(tracked, 'deciding')
    run.call(socket, event, (error) => {
      decided()
      done(error)
    })
  }
}

/** Counts one more, until the returned function is called. */
function counted(tracked: Tracked, what: 'unanswered' | 'deciding'): () => void {
  let isCounted = true
  tracked[what] += 1
  return () => {
    if (isCounted) tracked[what] -= 1
    isCounted = false
  }
}
