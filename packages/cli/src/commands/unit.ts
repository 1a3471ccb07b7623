import { type Command, defineCommand } from '../command-line/command.ts'
import { type UnitOption, unitOptions } from './unit-options.ts'

export const unitCommand: Command = defineCommand<UnitOption>({
  name: 'unit',
  summary: 'Print hardened systemd units for a program.',
  arguments: [{ name: 'ENTRY', summary: 'The program, such as server.js.', optional: true }],
  rest: {
    name: 'WORD…',
    summary:
      'Arguments of ENTRY. Without ENTRY: the command that starts the program, such as npm start, for --way run.',
    optional: true,
  },
  options: unitOptions,
  examples: [
    ['socket-port unit server.js --port 8080', 'Print a .socket and a .service unit.'],
    [
      'socket-port unit server.js --port 8080 --way run --name shop',
      'systemctl reload shop then starts the new process before the old one ends.',
    ],
    [
      'socket-port unit node_modules/next/dist/bin/next --port 3000 --register -- start',
      'Start a framework whose command has arguments.',
    ],
    [
      'socket-port unit --port 3000 --way run --register -- npm start',
      'Start the program as its package.json says.',
    ],
    [
      'sudo socket-port unit server.js --port 8080 -o /etc/systemd/system',
      'Write the units where systemd reads them.',
    ],
  ],
  async execute(parsed, io) {
    const { readUnitOptions } = await import('./read-unit-options.ts')
    const [job, output] = readUnitOptions(parsed)
    const { printUnits } = await import('../unit/print.ts')
    return printUnits(job, output, io)
  },
})
