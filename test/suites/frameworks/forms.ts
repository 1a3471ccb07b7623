import { expect } from 'vitest'

/** Free places to listen on, which a form may use. */
export interface Places {
  port: number
  path: string
}

/** A place, as an object names it. */
export type Place = { port: number; host?: string } | { path: string }

/** `listen(port, host)`, `listen(path)`. */
export const asArguments = (place: Place): readonly unknown[] => Object.values(place)

/** `listen({ port, host })`, `listen({ path })`. */
export const asOptions = (place: Place): readonly unknown[] => [place]

/** One way of saying where to listen. */
export interface Form {
  readonly name: string
  /** The arguments of `listen`. */
  arguments(places: Places): readonly unknown[]
  /** What `server.address()` must match. */
  expected(places: Places): unknown
}

const HOST = '127.0.0.1'
const atPort = ({ port }: Places): unknown => ({ port })
const atHost = ({ port }: Places): unknown => ({ port, address: HOST })
const anywhere = (): unknown => ({ port: expect.any(Number) })
const atPath = ({ path }: Places): unknown => path

/** Those of `server.listen` that a framework passes on. */
export const ARGUMENT_FORMS: readonly Form[] = [
  { name: 'port', arguments: ({ port }) => [port], expected: atPort },
  { name: 'port 0', arguments: () => [0], expected: anywhere },
  { name: 'port as a string', arguments: ({ port }) => [`${port}`], expected: atPort },
  { name: 'port and host', arguments: ({ port }) => [port, HOST], expected: atHost },
  { name: 'path', arguments: ({ path }) => [path], expected: atPath },
]

/** Those that are one object. */
export const OPTION_FORMS: readonly Form[] = [
  { name: '{ port }', arguments: ({ port }) => [{ port }], expected: atPort },
  { name: '{ port: 0 }', arguments: () => [{ port: 0 }], expected: anywhere },
  { name: '{ port, host }', arguments: ({ port }) => [{ port, host: HOST }], expected: atHost },
  { name: '{ path }', arguments: ({ path }) => [{ path }], expected: atPath },
]

/** Every form of Node's own `server.listen`, but for those that name a descriptor. */
export const NODE_FORMS: readonly Form[] = [
  { name: 'nothing', arguments: () => [], expected: anywhere },
  ...ARGUMENT_FORMS,
  { name: 'port and backlog', arguments: ({ port }) => [port, 64], expected: atPort },
  {
    name: 'port, host and backlog',
    arguments: ({ port }) => [port, HOST, 64],
    expected: atHost,
  },
  ...OPTION_FORMS,
]
