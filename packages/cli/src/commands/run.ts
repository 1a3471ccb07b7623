import { type Command, defineCommand } from '../command-line/command.ts'
import { type RunOption, runOptions } from './run-options.ts'

export const runCommand: Command = defineCommand<RunOption>({
  name: 'run',
  elsewhere: ['start', 'serve'],
  summary: 'Start a command with sockets, and restart it without closing them.',
  details:
    'SIGHUP, or socket-port reload, starts the command again, waits until it serves, and then drains the old process. If the new process fails, the old one continues to serve. Typing rs and Enter on a terminal reloads too. SIGTERM and Ctrl-C drain every process and stop. TIME is 500ms, 30s or 2m; a number without a unit is milliseconds.',
  rest: { name: 'COMMAND…', summary: 'The program to run, with its own options.' },
  options: runOptions,
  examples: [
    [
      'socket-port run --listen 8080 -- node server.js',
      'Keep port 8080 open, and serve it with server.js.',
    ],
    [
      'socket-port run --register -l 3000 -- node .next/standalone/server.js',
      'Run a Node program that knows nothing of this package, such as Next.js.',
    ],
    [
      'socket-port run -l 8080 --watch src -- node src/server.js',
      'Develop: restart at each change, and refuse no request.',
    ],
    [
      'socket-port run -l web=8080 -l admin=unix:/run/admin.sock --workers 2 -- node server.js',
      'Open two named sockets, and run two processes.',
    ],
    [
      'socket-port run -l 8080 --ready port -- python3 app.py',
      'Run any program that takes sockets as from systemd; this one does not send READY=1.',
    ],
  ],
  async execute(parsed) {
    const { readRunOptions } = await import('./read-run-options.ts')
    const options = await readRunOptions(parsed)
    const { run } = await import('../run/run.ts')
    return run(options)
  },
})
