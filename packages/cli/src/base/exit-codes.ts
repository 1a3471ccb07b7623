/** Every exit code of the command and its meaning. A test compares the table in the README with it. */
export const exitCodes = {
  0: 'Success; with `run`: every process ended in order.',
  1: 'Failure: the first generation did not start, the reload failed, or a problem was found.',
  2: 'Wrong usage: an unknown command or option, or an invalid value.',
  3: 'No `socket-port run` answers on the control socket of that name.',
  4: 'A socket could not be opened, or another `socket-port run` has the name.',
  5: 'Processes were ended by SIGKILL: after the drain time-out, or after a further stop signal.',
  6: '`doctor` could not look: systemd did not answer, or this process has no manager.',
  7: 'While `run` stopped, a process cut connections, ended with an error, or could not be ended.',
  74: 'Success, but stdout could not be written: the disk is full, or the reader has ended (EX_IOERR).',
} as const

export type ExitCode = keyof typeof exitCodes
