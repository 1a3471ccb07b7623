import { closeSync, fstatSync } from 'node:fs'
import { inheritedSockets, type Logger, listenFd, SocketPortError } from '@socket-port/core'
import { bindFd, describeFd, setBlocking } from '@socket-port/core/supervisor'
import { CommandError } from '../base/errors.ts'
import { fdAddress } from '../base/fd-address.ts'
import { quote } from '../base/quote.ts'
import type { ListenAddress, RunOptions } from './options.ts'

/** A socket that this process keeps for as long as the command runs. */
export interface KeptSocket {
  name: string
  /** `[::]:8080`, `unix:/run/app.sock` */
  address: string
  inherited: boolean
  /** One descriptor for all workers, or one for each. */
  fds: readonly number[]
}

/**
 * Opens the sockets, or takes inherited ones in their place. All other inherited sockets come last.
 *
 * @throws {CommandError} with exit code 4 when a socket cannot be opened
 */
export async function openSockets(options: RunOptions, logger: Logger): Promise<KeptSocket[]> {
  // List the inherited sockets before one of them is taken.
  const passed = inheritedSockets({ logger })
  const kept: KeptSocket[] = []
  try {
    for (const address of options.listen) kept.push(await openSocket(address, options, logger))
  } catch (error) {
    closeSockets(kept)
    if (!(error instanceof SocketPortError)) throw error
    throw new CommandError(error.message, 4)
  }
  const taken = new Set(kept.map(({ fds: [fd = -1] }) => inodeOf(fd)))
  for (const { fd, name } of passed) {
    if (taken.has(inodeOf(fd))) continue
    kept.push({ name, address: fdAddress(fd), inherited: true, fds: [fd] })
  }
  return kept
}

/** One line that lists the kept sockets, or says how to have one. */
export function announcement(
  sockets: readonly KeptSocket[],
  [program, ...words]: RunOptions['command'],
): string {
  if (sockets.length === 0) {
    const listen = words.find((word) => /^--listen(=|$)/.test(word))
    const fix =
      listen === undefined
        ? 'Pass --listen PORT'
        : `${quote(listen)} belongs to the program here: write it before ${quote(program)}`
    return (
      'keeps no socket: two generations can run at once only if the program binds no socket, or stores ' +
      `its own (fdStore). ${fix}`
    )
  }
  const texts = sockets.map(({ name, address, inherited }) => {
    const named = name === 'unknown' ? '' : ` (${name})`
    return `${address}${named}${inherited ? ', inherited' : ''}`
  })
  return `keeps ${texts.join('; ')}`
}

export function closeSockets(sockets: readonly KeptSocket[]): void {
  for (const fd of sockets.flatMap(({ fds }) => fds)) closeSync(fd)
}

export const inodeOf = (fd: number): bigint => fstatSync(fd, { bigint: true }).ino

async function openSocket(
  address: ListenAddress,
  { backlog, reusePort, workers }: RunOptions,
  logger: Logger,
): Promise<KeptSocket> {
  const { mode, ...query } = address
  const inherited = listenFd({ ...query, logger })
  if (inherited !== undefined) {
    const { name } = inheritedSockets({ logger }).find(sameSocket(inherited)) ?? {}
    return kept(address.name ?? name, true, [inherited])
  }
  const { name: _, ...place } = query
  const target = { ...place, backlog, logger, ...(mode !== undefined && { mode }) }
  if (!reusePort || workers === 1 || address.path !== undefined) {
    return kept(address.name, false, [await open(target)])
  }
  const first = await open({ ...target, reusePort })
  const fds: [number, ...number[]] = [first]
  try {
    const port = portOf(first)
    // With port 0, the kernel chooses the port of the first socket. The others use the same port.
    while (fds.length < workers) {
      fds.push(await open({ ...target, reusePort, ...(port !== undefined && { port }) }))
    }
  } catch (error) {
    for (const fd of fds) closeSync(fd)
    throw error
  }
  return kept(address.name, false, fds)
}

async function open(target: Parameters<typeof bindFd>[0]): Promise<number> {
  const fd = await bindFd(target)
  setBlocking(fd)
  return fd
}

const kept = (name = 'unknown', inherited: boolean, fds: [number, ...number[]]): KeptSocket => ({
  name,
  address: fdAddress(fds[0]),
  inherited,
  fds,
})

const sameSocket =
  (fd: number) =>
  (entry: { fd: number }): boolean =>
    inodeOf(entry.fd) === inodeOf(fd)

function portOf(fd: number): number | undefined {
  const facts = describeFd(fd)
  return typeof facts === 'string' ? undefined : facts.port
}
