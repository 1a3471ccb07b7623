import { type Command, defineCommand } from '../command-line/command.ts'

const options = {
  port: { short: 'p', value: 'PORT', summary: 'Where to listen; needed.' },
  way: {
    value: 'WAY',
    summary:
      'Who keeps the socket: socket (a .socket unit), store (the fd store of systemd) or run (socket-port run; systemctl reload restarts with overlap). Default: socket.',
  },
  name: { value: 'NAME', summary: 'Of the units. Default: that of ENTRY, or of its folder.' },
  user: {
    value: 'USER',
    summary: 'Whose rights it has. Default: a user that exists while it runs.',
  },
  'env-file': {
    short: 'e',
    value: 'FILE',
    many: true,
    summary: 'EnvironmentFile= of the service.',
  },
  watchdog: {
    value: 'TIME',
    summary:
      'Restart a program whose event loop stands still for longer; 0 for never. Default: 30s.',
  },
  node: { value: 'PATH', summary: 'Of node, on the machine of the service. Default: this one.' },
  output: { short: 'o', value: 'DIR', summary: 'Write the files there. Default: print them.' },
  json: { summary: 'As JSON, for scripts.' },
} as const

export type UnitOption = keyof typeof options

export const unitCommand: Command = defineCommand<UnitOption>({
  name: 'unit',
  summary: 'Print hardened systemd units for a program.',
  arguments: [{ name: 'ENTRY', summary: 'The program, such as server.js.' }],
  options,
  examples: [
    ['socket-port unit server.js --port 8080', 'A .socket and a .service unit.'],
    [
      'socket-port unit server.js --port 8080 --way run --name shop',
      'systemctl reload shop starts the new process before the old one goes.',
    ],
    [
      'sudo socket-port unit server.js --port 8080 -o /etc/systemd/system',
      'Write them where they belong.',
    ],
  ],
  async execute(parsed, io) {
    const { unit } = await import('../unit/unit.ts')
    return unit(parsed, io)
  },
})
