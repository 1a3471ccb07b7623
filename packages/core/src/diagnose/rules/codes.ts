import type { ProblemCode } from './types.ts'

/** What each code means; `docs/diagnosis.md` is checked against this table. */
export const problemCodes: Readonly<Record<ProblemCode, string>> = {
  BACKLOG_CUT: 'The accept queue of an inherited socket is shorter than its unit says.',
  CLUSTER_WORKER: 'The process is a worker of `node:cluster`, which inherits nothing.',
  ENVIRONMENT_INVALID: 'A variable of the manager is garbage.',
  FD_STORE_OFF: '`fdStore` is asked for, but the unit lets nothing be stored.',
  FD_STORE_TOO_SMALL: 'More sockets are to be stored than the unit has room for.',
  KILL_MODE: 'systemd signals the program around which `socket-port run` stands.',
  NAME_UNKNOWN: 'No socket with the name that was asked for was passed.',
  NOTHING_PASSED: 'A `.socket` unit exists, but the process got nothing from it.',
  NOTIFY_ACCESS: 'systemd drops what the process tells it.',
  PATH_LOST: 'No client finds a unix socket: its path was removed, or bound again.',
  PID_WRONG: 'The sockets were passed to a process that did not start this one.',
  PORT_MISMATCH: 'The port or path that was asked for is not that of a passed socket.',
  SOCKET_NOT_TAKEN: 'A socket was passed, and nobody serves it: its clients wait for ever.',
  SOCKET_UNUSABLE: 'A passed descriptor is not a listening stream socket.',
  START_LIMIT: 'A few crashes in a row would close the socket.',
  START_LIMIT_HIT: 'The service crashed too often and systemd starts it no more.',
  STOP_TIMEOUT: 'systemd ends the process before its drain may be over.',
  TYPE_NOT_NOTIFY: 'systemd does not know when the server listens, nor that it drains.',
  UNIT_NOT_FOUND: 'The unit that was asked about does not exist.',
  WATCHDOG: 'The unit has a watchdog, but this process sends it no keep-alives.',
  WRAPPER: 'A program stands between the manager and the process.',
}
