import { counted } from '../base/counted.ts'

/** The connections of a server that drains. */
interface Draining {
  readonly connections: number
  /** Those that are not idle; `undefined` until the drain has sorted them. */
  readonly busy: number | undefined
}

/** The status line of a shutdown, for the manager. */
export function connectionsLeft(servers: readonly Draining[]): string {
  if (servers.length === 0) return 'stopping'
  const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0)
  const open = sum(servers.map(({ connections }) => connections))
  const busy = servers.map(({ busy }) => busy)
  const left = `draining: ${counted(open, 'connection')} left`
  const known = busy.filter((each) => each !== undefined)
  return known.length === busy.length && open > 0 ? `${left}, ${sum(known)} busy` : left
}

/** What an end now does to the open connections; empty if there are none. */
export const connectionsCut = (open: number): string =>
  open === 0 ? '' : `${counted(open, 'connection')} ${open === 1 ? 'is' : 'are'} cut`
