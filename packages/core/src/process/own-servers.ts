import { perProcess } from './per-process.ts'

/** The mark of an attached server. Symbol.for: another copy of this package must see that the server is attached. */
export const attachedMark: unique symbol = Symbol.for('@socket-port/core/attached')

// Every copy of this package in the process shares one: the preload must not serve a server that the copy of the
// program starts.
const shared = perProcess<WeakMap<object, object>>('starting/1')

/** The servers that are starting, with their requests. */
export const startingServers = (): WeakMap<object, object> => shared.get(() => new WeakMap())

/** Whether a copy of this package calls the server's `listen`, and waits for the outcome. */
export const isStarting = (server: object): boolean => shared.current?.has(server) ?? false

/** Whether the server listens by this package. */
export const isOwnServer = (server: object): boolean => attachedMark in server || isStarting(server)
