import type { ProblemCode } from './types.ts'

/** What each code means; `docs/diagnosis.md` is checked against this table. */
export const problemCodes: Readonly<Record<ProblemCode, string>> = {
  BACKLOG_CUT: 'The accept queue of an inherited socket is shorter than its unit says.',
  CLUSTER_WORKER:
    'The process is a worker of `node:cluster`, and such a worker inherits no socket.',
  ENVIRONMENT_INVALID: 'A variable that a manager sets has a malformed value.',
  FD_STORE_OFF: '`fdStore` is set, but the unit does not let systemd store a socket.',
  FD_STORE_TOO_SMALL: 'The process stores more sockets than its unit allows.',
  KILL_MODE: 'At a stop, systemd also signals the program that `socket-port run` has started.',
  NAME_UNKNOWN: 'No socket was passed under the name that the program asked for.',
  NOTHING_PASSED: 'A `.socket` unit exists, but its socket was not passed to the process.',
  NOTIFY_ACCESS: 'systemd ignores the notifications of the process.',
  PATH_LOST: 'Clients cannot reach a unix socket: its path was removed, or bound again.',
  PID_WRONG: 'The sockets were passed to another process, which did not start this one.',
  PORT_MISMATCH: 'The program asked for a port or path that no passed socket has.',
  SOCKET_NOT_ASKED:
    'The process could get its socket from `socket-port run` on request, and has not asked.',
  SOCKET_NOT_GIVEN: 'The process has asked `socket-port run` for its socket, and got none.',
  SOCKET_NOT_TAKEN: 'A socket was passed, but no server takes it: its clients wait for ever.',
  SOCKET_UNUSABLE: 'A passed descriptor is not a listening stream socket.',
  START_LIMIT: 'After a few crashes in a row systemd would close the socket.',
  START_LIMIT_HIT: 'The service crashed too often, and systemd does not start it any more.',
  STOP_TIMEOUT: 'systemd may kill the process before its drain is over.',
  TYPE_NOT_NOTIFY: 'systemd does not know when the server listens, nor when it drains.',
  UNIT_NOT_FOUND: 'The unit that was asked about does not exist.',
  WATCHDOG: 'The unit has a watchdog, but this process sends it no keep-alives.',
  WRAPPER: 'Another program runs between the manager and the process.',
}
