import type { ServiceName } from '../systemd/cgroup.ts'
import { systemctl } from '../systemd/systemctl.ts'
import type { ServiceUnit, SocketUnit } from './rules/facts.ts'
import { PROPERTIES, parseShow, serviceUnitOf, socketUnitOf } from './show.ts'

export interface UnitAnswer {
  service: ServiceUnit | undefined
  socketUnits: SocketUnit[]
  version: string | undefined
  /** Why systemd did not answer. */
  failure: string | undefined
}

/** Asks systemd about a service and the sockets that start it; never rejects, ends with `signal`. */
export async function askSystemd(
  { unit, user }: ServiceName,
  signal: AbortSignal,
): Promise<UnitAnswer> {
  const show = (...args: string[]): Promise<string> =>
    systemctl(['show', ...args], { signal, user })
  const units = (names: readonly string[]) => show(`--property=${PROPERTIES}`, '--', ...names)
  const version = show('--property=Version', '--value').then(
    (text) => text.trim() || undefined,
    () => undefined,
  )
  try {
    // The socket of the same name starts the service, even if systemd has not heard of it yet.
    const sibling = unit.replace(/\.service$/, '.socket')
    const [properties] = parseShow(await units([unit]))
    const service = properties === undefined ? undefined : serviceUnitOf(properties)
    const names = service?.triggeredBy.filter((name) => name.endsWith('.socket')) ?? []
    const sockets = parseShow(await units([...new Set([...names, sibling])])).map(socketUnitOf)
    const socketUnits = sockets.filter(({ loaded }) => loaded)
    return { service, socketUnits, version: await version, failure: undefined }
  } catch (error) {
    const failure = signal.aborted ? 'it took too long' : firstLine(error)
    return { service: undefined, socketUnits: [], version: await version, failure }
  }
}

const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? ''
