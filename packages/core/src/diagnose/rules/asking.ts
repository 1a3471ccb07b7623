import type { Facts } from './facts.ts'
import { error, join, nameProcess, nameSelf, passedTo, type Rule, warning } from './report.ts'
import type { Problem } from './types.ts'

/** Rules about sockets on request, below a wrapper that `socket-port run` has started. */
export const askingRules: readonly Rule[] = [notAsked, notGiven]

/** Whether the process has its sockets on request, so that it does not matter to whom they were passed. */
export const asksForSockets = ({ asking }: Facts): boolean => asking !== undefined

function notAsked(facts: Facts): Problem[] {
  const { asking, starter, clusterWorker } = facts
  if (asking?.outcome !== 'not asked' || clusterWorker || passedTo(facts) === undefined) return []
  const { wrappers } = starter
  const between =
    wrappers.length === 0
      ? 'the sockets were passed to another process'
      : `${join(wrappers.map(nameProcess))} ${wrappers.length === 1 ? 'runs' : 'run'} between ` +
        'socket-port run and it'
  return [
    warning(
      'SOCKET_NOT_ASKED',
      `${nameSelf(facts)} can ask socket-port run for its socket, and has not asked: ${between}`,
      'let its server listen through serve, listen or an adapter, on a port that socket-port run keeps, or pass ' +
        '--register to socket-port run; a process that serves nothing needs no socket',
    ),
  ]
}

function notGiven(facts: Facts): Problem[] {
  const { asking, self } = facts
  if (asking === undefined || asking.problem === undefined) return []
  const { outcome, problem } = asking
  const mends = {
    none: 'let the program ask for one of these addresses, or pass the one that it asks for to socket-port run --listen',
    refused:
      'run both as the same user, start the process below socket-port run, and let only one process of ' +
      'the command serve each socket',
    failed: `let socket-port run start node itself: ${self.start}`,
  }
  return [
    error(
      'SOCKET_NOT_GIVEN',
      `${nameSelf(facts)} has asked socket-port run for its socket, and got none: ${problem}`,
      mends[outcome],
    ),
  ]
}
