import { closeSync } from 'node:fs'
import { type Notification, QUEUE_NAME, statOf } from '@socket-port/core/supervisor'
import type { ProcessTable } from '../supervisor/process-table.ts'
import type { Worker } from '../supervisor/worker.ts'
import type { FdStore } from './fd-store.ts'

export interface Recipients {
  table: ProcessTable
  access: 'main' | 'all'
  store: FdStore
  /** The inodes of the sockets that every process gets anyway. */
  kept: ReadonlySet<bigint>
  /** The process that replaced a draining one; `undefined` where there is none. */
  replacementOf(worker: Worker): Worker | undefined
  /** Called after the worker has handled a notification. */
  delivered(worker: Worker): void
}

/** Gives a notification to the worker whose process sent it, and stores or passes on its descriptors. */
export function deliver({ pid, fields, fds }: Notification, to: Recipients): void {
  const worker = pid === undefined ? undefined : to.table.byPid(pid)
  const ancestor = worker === undefined ? ancestorOf(pid, to.table) : undefined
  const sender = worker ?? (to.access === 'all' ? ancestor : undefined)
  if (sender === undefined) {
    // Closing the descriptor of BARRIER=1 answers it. Every sender gets that answer.
    for (const fd of fds) closeSync(fd)
    if (pid !== undefined && fields.get('READY') === '1') ancestor?.reported.noteForeignPid(pid)
    return
  }
  const name = fields.get('FDNAME')
  if (fields.get('FDSTORE') === '1' && name !== QUEUE_NAME) to.store.add(name, fds, to.kept)
  else {
    // A queue of connections goes to the process that replaced the sender, or to the next one that a watcher starts below
    // it. If there is none, the sender finds its queue closed, and keeps its connections.
    const isQueue = name === QUEUE_NAME && fds.length > 0
    const next = isQueue ? to.replacementOf(sender) : undefined
    next?.pass(fds, sender.socketsOf(pid))
    const kept = isQueue && next === undefined && sender.keep(fds, pid)
    if (!kept) for (const fd of fds) closeSync(fd)
  }
  if (fields.get('FDSTOREREMOVE') === '1' && name !== undefined) to.store.remove(name)
  sender.notified(fields, pid)
  to.delivered(sender)
}

// The worker from whose process this one descends. The process of a worker leads a session, and its child processes stay
// in the session unless they leave on purpose.
function ancestorOf(pid: number | undefined, table: ProcessTable): Worker | undefined {
  const session = pid === undefined ? undefined : statOf(pid)?.session
  return session === undefined ? undefined : table.byPid(session)
}
