/** Every exit code of the command and its meaning. A test compares the table in the README with it. */
export const exitCodes = {
  0: 'Done; with `run`: every process ended in order.',
  1: 'It failed: the first generation did not start, the reload changed nothing, or a problem was found.',
  2: 'Wrong usage: an unknown command or option, or a value that does not fit.',
  3: 'Nothing answers on the control socket: no `socket-port run` under that name.',
  4: 'A socket could not be opened, or the name is taken by another `socket-port run`.',
  5: 'Processes had to be ended by SIGKILL: the drain time-out, or an impatient signal.',
  6: '`doctor` could not look: systemd did not answer, or nothing manages this process.',
  7: 'While `run` stopped, a process cut connections or ended with an error.',
  74: 'Done, but stdout did not take the output: its disk is full, or its reader is gone (EX_IOERR).',
} as const

export type ExitCode = keyof typeof exitCodes
