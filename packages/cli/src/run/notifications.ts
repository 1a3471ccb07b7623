import { closeSync } from 'node:fs'
import { type Notification, PARCEL_NAME, readStat } from '@socket-port/core/manager'
import type { Population } from '../supervisor/population.ts'
import type { Worker } from '../supervisor/worker.ts'
import type { FdStore } from './fd-store.ts'

export interface Recipients {
  population: Population
  access: 'main' | 'all'
  store: FdStore
  /** Sockets that every process is given anyway. */
  kept: ReadonlySet<bigint>
  /** The process that serves in the place of one that drains; `undefined` where none has taken it. */
  successorOf(worker: Worker): Worker | undefined
  /** A message that counts has been heard. */
  heard(worker: Worker): void
}

/** Gives a message on NOTIFY_SOCKET to the process that it is of, and keeps what it stores. */
export function dispatch({ pid, fields, fds }: Notification, to: Recipients): void {
  const worker = pid === undefined ? undefined : to.population.byPid(pid)
  const relative = worker === undefined ? relativeOf(pid, to.population) : undefined
  const sender = worker ?? (to.access === 'all' ? relative : undefined)
  if (sender === undefined) {
    // BARRIER=1 is answered by closing, whoever asks.
    for (const fd of fds) closeSync(fd)
    if (pid !== undefined && fields.get('READY') === '1') relative?.said.noteStranger(pid)
    return
  }
  const name = fields.get('FDNAME')
  if (fields.get('FDSTORE') === '1' && name !== PARCEL_NAME) to.store.add(name, fds, to.kept)
  else {
    // A line with connections is for the process that runs already. Where nobody takes it, its
    // sender finds it closed, and keeps what it wanted to hand over.
    if (name === PARCEL_NAME && fds.length > 0) to.successorOf(sender)?.pass(fds)
    for (const fd of fds) closeSync(fd)
  }
  if (fields.get('FDSTOREREMOVE') === '1' && name !== undefined) to.store.remove(name)
  sender.notified(fields)
  to.heard(sender)
}

// Each process leads a session, in which what it starts stays unless it leaves on purpose.
function relativeOf(pid: number | undefined, population: Population): Worker | undefined {
  const session = pid === undefined ? undefined : readStat(pid)?.session
  return session === undefined ? undefined : population.byPid(session)
}
