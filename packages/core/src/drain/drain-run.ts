import type { Socket } from 'node:net'
import { afterPoll } from '../base/after-poll.ts'
import type { DrainResult } from '../base/types.ts'
import { ownPeers } from '../sockets/own-peers.ts'
import { Accepting } from './accepting.ts'
import type { Connections } from './connections.ts'
import { Continuing } from './continuing.ts'
import { BlockingConnections } from './idle/blocking.ts'
import { IdleConnections } from './idle/idle-connections.ts'
import {
  closeAtOnce,
  expireAtPromise,
  type IdleContext,
  type IdleStrategy,
} from './idle/strategy.ts'
import { type TransferTarget, transfer } from './idle/transfer.ts'
import { LongLivedConnections } from './long-lived.ts'
import type { ResolvedDrain } from './options.ts'
import { OwnClients } from './own-clients.ts'
import { type Carrier, connectionOf, cut, isConnection } from './protocols/carrier.ts'
import type { Carries, DrainContext } from './protocols/protocol.ts'
import { ServerProtocols } from './protocols/server-protocols.ts'

export type Counts = Omit<DrainResult, 'duration'>

export interface DrainRunOptions extends ResolvedDrain {
  quick: boolean
  /** What takes idle connections for the next process. */
  target?: TransferTarget | undefined
  /** Connections whose client is in this very process are not waited for. */
  sparesOwnClients?: boolean | undefined
  /** Settles when the program was told that connections must end: what it ends itself, it ends first. */
  told?: Promise<unknown> | undefined
  /** The program listens to the signal of the drain. */
  programListens: boolean
  warn: (message: string) => void
}

/** The grace of the quick form in milliseconds: a person at a terminal waits for it, or a watcher with new code. */
const QUICK_GRACE = 500

/**
 * One drain of one server, from the moment that its connections must end until the last one has ended.
 *
 * It connects the parts: `protocols` tell what a connection is doing and ask it to leave, the idle strategy
 * decides what becomes of an idle connection, `Accepting` closes the listening socket.
 */
export class DrainRun {
  readonly ended: Promise<Counts>
  #end: (counts: Counts) => void = () => {}
  #state: 'draining' | 'forced' | 'ended' = 'draining'
  readonly #connections: Connections
  readonly #options: DrainRunOptions
  readonly #protocols: ServerProtocols
  readonly #accepting: Accepting
  readonly #idle = new IdleConnections()
  readonly #strategy: IdleStrategy
  /** What takes idle connections; `undefined` if there is none, or if it takes no more. */
  readonly #target: TransferTarget | undefined
  readonly #blocking = new BlockingConnections()
  readonly #longLived: LongLivedConnections
  /** What the next process continues; `undefined` if it takes nothing. */
  readonly #continuing: Continuing | undefined
  readonly #ownClients: OwnClients | undefined
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #counts = { served: 0, handedOver: 0, expired: 0, forced: 0 }

  constructor(connections: Connections, options: DrainRunOptions) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#connections = connections
    this.#options = options
    const { quick, target, sparesOwnClients, timeout, idleTimeout } = options
    if (target !== undefined && target.room > 0 && !quick) this.#target = target
    this.#strategy = this.#chooseStrategy()
    this.#continuing = this.#target && this.#newContinuing(this.#target)
    this.#longLived = this.#newLongLived()
    this.#accepting = new Accepting(connections.server, connections, () => this.#check())
    this.#protocols = new ServerProtocols(connections, this.#drainContext())
    if (sparesOwnClients) this.#ownClients = this.#watchOwnClients()
    connections.listener = {
      opened: (socket) => this.#protocols.of(socket).askToLeave(socket),
      secured: (raw, socket) => this.#secured(raw, socket),
      upgraded: (socket) => this.#upgraded(socket),
      closed: (socket) => this.#closed(socket),
    }
    // The connection that is accepted last must have its whole idle time before the deadline.
    const acceptUntil = Math.max(timeout / 2, timeout - idleTimeout)
    this.#timers = [
      setTimeout(() => this.#giveUpWaiting(), acceptUntil),
      setTimeout(() => this.force(), Math.max(0, timeout)),
      // The program has this long to end connections in its own way when it is told.
      setTimeout(() => this.#longLived.begin(), this.#grace),
    ]
    this.#begin()
  }

  /** What the open connections carry, and how many carry it. */
  get left(): ReadonlyMap<Carries | 'idle connection', number> {
    const left = new Map<Carries | 'idle connection', number>()
    for (const socket of this.#connections) {
      const idle = this.#idle.has(socket)
      const carries = idle ? 'idle connection' : this.#protocols.of(socket).carries(socket)
      const streams = this.#protocols.of(socket).streams?.(socket) ?? []
      for (const carried of [carries, ...streams] as const)
        left.set(carried, (left.get(carried) ?? 0) + 1)
    }
    return left
  }

  /** As `ServerDrain.leftToProgram`. */
  leftToProgram(): boolean {
    const others = [...this.#connections].filter(
      (socket) => !this.#protocols.of(socket).isEndless(socket),
    )
    if (!others.some((socket) => this.#accepting.isFromBefore(socket))) this.#giveUpWaiting()
    return others.length === 0 && !this.#connections.server.listening
  }

  /** Destroys and counts what is left. */
  force(): void {
    if (this.#state !== 'draining') return
    this.#state = 'forced'
    this.#counts.forced += this.#connections.size
    this.#continuing?.stop()
    this.#longLived.cut()
    this.#giveUpWaiting()
    this.#connections.destroy()
    this.#check()
    // A program that has removed our 'close' listeners must not keep the drain from ending.
    setImmediate(() => this.#finish())
  }

  #chooseStrategy(): IdleStrategy {
    const context: IdleContext = {
      isIdle: (socket) => this.#isIdle(socket),
      isReceiving: (socket) => this.#protocols.of(socket).stateOf(socket) === 'receiving',
      mayTransfer: (socket) => this.#protocols.of(socket).mayTransfer(socket),
      promiseOf: (socket) => this.#idle.promiseOf(socket),
      expire: (socket) => this.#expire(socket),
      transferred: (socket) => {
        this.#counts.handedOver += 1
        this.#idle.delete(socket)
        socket.destroy()
      },
      givenUp: this.#blocking.givenUp,
    }
    if (this.#options.quick) return closeAtOnce(context)
    const promise = expireAtPromise(context)
    return this.#target === undefined ? promise : transfer(context, this.#target, promise)
  }

  get #grace(): number {
    const { quick, closeGrace } = this.#options
    return quick ? Math.min(closeGrace, QUICK_GRACE) : closeGrace
  }

  #newLongLived(): LongLivedConnections {
    const { quick, timeout, spread } = this.#options
    return new LongLivedConnections({
      spread: quick ? 0 : Math.min(spread, timeout / 2),
      grace: this.#grace,
      // A new client that left now would come back to this process, as long as it accepts.
      mayLeave: (carrier) =>
        !this.#accepting.isOpen || this.#accepting.isFromBefore(connectionOf(carrier)),
      handsOver: (carrier) => isConnection(carrier) && this.#continues(carrier),
    })
  }

  #newContinuing(target: TransferTarget): Continuing {
    return new Continuing({
      target,
      givenUp: this.#blocking.givenUp,
      handedOver: (socket) => {
        this.#longLived.ended(socket, 'handedOver')
        socket.destroy()
      },
      stays: (socket) => this.#longLived.stays(socket),
    })
  }

  #continues(socket: Socket): boolean {
    if (!this.#continuing?.add(socket)) return false
    this.#blocking.delete(socket)
    return true
  }

  #drainContext(): DrainContext {
    const { quick, idleTimeout, timeout, webSocketCode, streamTimeout, programListens, warn } =
      this.#options
    return {
      quick,
      idleTimeout,
      timeout,
      webSocketCode,
      streamTimeout,
      closeGrace: this.#grace,
      leavesStreams: programListens,
      warn,
      staysOpen: (socket) => this.#strategy.staysOpen(socket),
      idle: (socket, promise) => this.#fellIdle(socket, promise),
      busy: (socket) => this.#busy(socket),
      answered: () => {
        this.#counts.served += 1
      },
      expire: (socket) => this.#expire(socket),
      longLived: (carrier, kind, end) => this.#longLived.add(carrier, kind, end),
      asked: (carrier) => this.#longLived.asked(carrier, () => this.#endGrace(carrier)),
      ended: (carrier) => this.#ended(carrier),
    }
  }

  #watchOwnClients(): OwnClients {
    return new OwnClients(ownPeers, {
      idle: this.#idle,
      allIdle: () => this.#idle.size === this.#connections.size,
      isIdle: (socket) => this.#isIdle(socket),
      expire: (socket) => this.#expire(socket),
    })
  }

  #begin(): void {
    const { quick, successor, target } = this.#options
    const blocks = target !== undefined && successor !== 'running'
    for (const socket of this.#connections) {
      // Until it is reported idle, and may be handed over.
      if (blocks) this.#blocking.add(socket)
      this.#protocols.of(socket).askToLeave(socket)
    }
    if (blocks) this.#blocking.hold(target.barrier)
    // New connections that cannot be asked to leave are for the next process.
    if (quick || successor === 'running' || !this.#protocols.acceptsNew) this.#accepting.stop()
    const { told } = this.#options
    if (told === undefined) this.#longLived.begin()
    else void told.then(() => this.#longLived.begin())
    this.#check()
  }

  #secured(raw: Socket, socket: Socket): void {
    this.#accepting.replace(raw, socket)
    this.#blocking.replace(raw, socket)
    this.#busy(raw)
    this.#protocols.of(socket).askToLeave(socket)
  }

  /**
   * An upgraded connection from before the drain blocks the hand-over until it closes. New ones do not: as long
   * as one of them came after the other, nothing would ever be handed over.
   */
  #upgraded(socket: Socket): void {
    this.#busy(socket)
    if (this.#accepting.isFromBefore(socket)) this.#blocking.addUpgraded(socket)
    this.#protocols.of(socket).askToLeave(socket)
  }

  #closed(socket: Socket): void {
    this.#accepting.delete(socket)
    this.#blocking.delete(socket)
    this.#ended(socket)
    if (this.#idle.delete(socket)) this.#strategy.busy(socket)
    this.#check()
  }

  #fellIdle(socket: Socket, promise: number): void {
    const mayTransfer = this.#target !== undefined && this.#protocols.of(socket).mayTransfer(socket)
    if (mayTransfer) this.#blocking.delete(socket)
    this.#idle.add(socket, promise)
    this.#strategy.idle(socket, mayTransfer)
    this.#ownClients?.look()
  }

  #busy(socket: Socket): void {
    if (!this.#idle.delete(socket)) return
    this.#strategy.busy(socket)
    this.#check()
  }

  #isIdle(socket: Socket): boolean {
    if (!this.#idle.has(socket) || socket.destroyed) return false
    return this.#idle.isSilent(socket) || this.#protocols.of(socket).stateOf(socket) !== 'receiving'
  }

  // Not end(): after it Node would still run a request, and its response would be lost.
  #expire(carrier: Carrier): void {
    this.#counts.expired += 1
    carrier.destroy()
  }

  /** A client that has not left takes no more, or does not answer. */
  #endGrace(carrier: Carrier): void {
    if (carrier.writableLength > 0) {
      this.#longLived.ended(carrier, 'cut')
      this.#counts.forced += 1
      cut(carrier)
    } else carrier.destroy()
  }

  /** What the connection carried and would not have ended by itself has ended. */
  #ended(carrier: Carrier): void {
    if (isConnection(carrier)) this.#continuing?.delete(carrier)
    this.#longLived.ended(carrier)
  }

  #giveUpWaiting(): void {
    this.#blocking.giveUp()
    this.#accepting.stop()
    this.#longLived.look()
  }

  #check(): void {
    this.#accepting.stopIfLast(this.#idle)
    if (!this.#accepting.isOpen) this.#longLived.look()
    const isClosed = this.#accepting.isClosed || this.#state === 'forced'
    if (isClosed && this.#connections.size === 0) this.#finish()
    this.#ownClients?.look()
  }

  #finish(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    for (const timer of this.#timers) clearTimeout(timer)
    this.#strategy.stop()
    this.#protocols.stop()
    this.#longLived.stop()
    this.#continuing?.stop()
    this.#warnOfThoseThatStayed()
    this.#ownClients?.stop()
    const { counts } = this.#longLived
    const end = (): void =>
      this.#end({ graceful: this.#counts.forced === 0, ...this.#counts, ...counts })
    // A client in this very process reads the end of its connection first. Otherwise it would send its next request, to a
    // server that listens again at this port, into the connection that was closed.
    if (this.#counts.expired > 0) afterPoll(end)
    else end()
  }

  #warnOfThoseThatStayed(): void {
    const { reasons = '' } = this.#continuing ?? {}
    if (reasons === '') return
    this.#options.warn(`not every connection goes on in the next process: ${reasons}`)
  }
}
