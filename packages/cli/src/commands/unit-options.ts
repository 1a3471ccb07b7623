/** The options of `unit`, for the parser and for help. */
export const unitOptions = {
  port: {
    short: 'p',
    value: 'PORT',
    elsewhere: ['--listen', '-l'],
    summary: 'Port on which the program listens. Required.',
  },
  way: {
    value: 'WAY',
    summary:
      'What keeps the socket: socket (a .socket unit), store (the fd store of systemd) or run (socket-port run; systemctl reload restarts with overlap). Default: socket.',
  },
  register: {
    summary:
      'For a Node program that knows nothing of this package: load @socket-port/core/register into it.',
  },
  name: {
    value: 'NAME',
    summary: 'Name of the units. Default: the name of ENTRY, or of its package or folder.',
  },
  user: {
    value: 'USER',
    summary: 'User as whom the service runs. Default: a user that exists while it runs.',
  },
  'env-file': {
    short: 'e',
    value: 'FILE',
    many: true,
    summary: 'Add EnvironmentFile= with this file to the service.',
  },
  'no-compile-cache': {
    summary:
      'Do not let Node keep compiled code for the next start. Default: it does, in the CacheDirectory= of the service.',
  },
  watchdog: {
    value: 'TIME',
    summary: 'Restart a program whose event loop is blocked for this time; 0: never. Default: 30s.',
  },
  node: {
    value: 'PATH',
    summary: 'Path of node on the machine of the service. Default: the node that runs now.',
  },
  output: {
    short: 'o',
    value: 'DIR',
    summary: 'Write the files to this directory. Default: print them.',
  },
  json: { summary: 'Print JSON, for scripts.' },
} as const

export type UnitOption = keyof typeof unitOptions
