import { type Command, defineCommand } from '../command-line/command.ts'

const options = {
  listen: {
    short: 'l',
    value: 'ADDRESS',
    many: true,
    summary:
      'Socket to open and pass on: 8080, 127.0.0.1:8080, [::1]:8080 or unix:/run/app.sock; with a name as in web=8080.',
  },
  workers: { short: 'w', value: 'N', summary: 'Processes of a generation. Default: 1.' },
  'all-at-once': { summary: 'Replace all workers at once, not one by one.' },
  'reuse-port': {
    summary: 'A socket for each worker in one SO_REUSEPORT group, not one for all of them.',
  },
  ready: {
    value: 'HOW',
    summary:
      'When a process serves: notify (READY=1, what socket-port sends), port (it waits for connections), log:REGEX (a line of its output) or delay:TIME. Default: notify.',
  },
  'ready-timeout': { value: 'TIME', summary: 'Longest wait for that. Default: 30s.' },
  settle: {
    value: 'TIME',
    summary:
      'How long a new process must stay up, once it serves, before the old one is drained. Default: 200ms.',
  },
  'drain-timeout': {
    value: 'TIME',
    summary: 'From SIGTERM to SIGKILL for a process that drains. Default: 30s.',
  },
  'env-file': {
    short: 'e',
    value: 'FILE',
    many: true,
    summary:
      'Variables for the command, read anew for each generation. Behind npx type -e: its Node reads --env-file itself.',
  },
  cwd: {
    value: 'DIR',
    summary: 'Where to start the command; a symlink is followed anew for each generation.',
  },
  watch: { value: 'DIR', many: true, summary: 'Restart when something in it changes.' },
  ignore: {
    value: 'GLOB',
    many: true,
    summary: 'What --watch overlooks, besides node_modules, .git and *.log.',
  },
  name: {
    value: 'NAME',
    summary: 'What reload, status and stop call it. Default: the first address.',
  },
  control: { value: 'PATH', summary: 'Control socket, in place of one that the name gives.' },
  backlog: { value: 'N', summary: 'Length of the accept queues that are opened. Default: 1024.' },
  mode: { value: 'MODE', summary: 'Permissions of the unix sockets that are opened, such as 660.' },
  watchdog: {
    value: 'TIME',
    summary: 'Replace a process that is silent for longer. Default: as systemd says.',
  },
  'notify-access': {
    value: 'WHO',
    summary: 'Who may notify: main (the process itself) or all (its children too). Default: main.',
  },
} as const

export type RunOption = keyof typeof options

export const runCommand: Command = defineCommand<RunOption>({
  name: 'run',
  summary: 'Start a command with sockets, and restart it without closing them.',
  details:
    'SIGHUP, or socket-port reload, starts the command anew, waits until it serves, and then drains the old process. If the new one fails, the old one serves on. SIGTERM and Ctrl-C stop in order. TIME is 500ms, 30s or 2m; a bare number is milliseconds.',
  rest: { name: 'COMMAND…', summary: 'The program to run, with its own options.' },
  options,
  examples: [
    [
      'socket-port run --listen 8080 -- node server.js',
      'Keep port 8080 open, and serve it with server.js.',
    ],
    [
      'socket-port run -l 8080 --watch src -- node src/server.js',
      'Develop: restart at each change, with no request refused.',
    ],
    [
      'socket-port run -l web=8080 -l admin=unix:/run/admin.sock --workers 2 -- node server.js',
      'Two named sockets and two processes.',
    ],
    [
      'socket-port run -l 8080 --ready port -- python3 app.py',
      'Any program that takes sockets from systemd; this one does not notify.',
    ],
  ],
  async execute(parsed, io) {
    const { runOptionsOf } = await import('./run-options.ts')
    const options = await runOptionsOf(parsed, io)
    const { run } = await import('../run/run.ts')
    return run(options)
  },
})
