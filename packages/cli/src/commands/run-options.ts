/** The options of `run`, for the parser and for help. */
export const runOptions = {
  listen: {
    short: 'l',
    value: 'ADDRESS',
    elsewhere: ['--port', '-p'],
    many: true,
    summary:
      'Open a socket and pass it to the command: 8080, 127.0.0.1:8080, [::1]:8080 or unix:/run/app.sock; with a name, as in web=8080.',
  },
  register: {
    summary:
      'Let a Node program take its socket and drain without a change to it: load @socket-port/core/register into it.',
  },
  workers: {
    short: 'w',
    value: 'N',
    elsewhere: ['--instances', '-i'],
    summary:
      'Number of processes in each generation, or max: one for each CPU that this process may use. Default: 1.',
  },
  'all-at-once': { summary: 'Replace all workers at once, not one after the other.' },
  'reuse-port': {
    summary: 'Open a socket for each worker, in one SO_REUSEPORT group. Default: all share one.',
  },
  ready: {
    value: 'HOW',
    summary:
      'How a process shows that it serves: notify (it sends READY=1, as socket-port does), port (it waits for connections), log:REGEX (it prints a line that matches) or delay:TIME. Default: notify.',
  },
  'ready-timeout': {
    value: 'TIME',
    summary: 'Stop a new process that does not serve after this time. Default: 30s.',
  },
  settle: {
    value: 'TIME',
    summary: 'How long a new process must serve before the old one is drained. Default: 200ms.',
  },
  'drain-timeout': {
    value: 'TIME',
    summary: 'Send SIGKILL to a process that still drains after this time. Default: 30s.',
  },
  'env-file': {
    short: 'e',
    value: 'FILE',
    many: true,
    summary:
      'Read environment variables for the command from this file, again for each generation. With npx, type -e: Node itself reads --env-file.',
  },
  'no-compile-cache': {
    summary:
      'Do not let Node keep compiled code for the next process (NODE_COMPILE_CACHE). Default: it does, in a folder of this user.',
  },
  cwd: {
    value: 'DIR',
    summary:
      'Start the command in this directory. A symlink is resolved again for each generation.',
  },
  watch: {
    value: '[DIR]',
    alone: '.',
    many: true,
    summary:
      'Restart when a file in this directory changes. Without DIR, in the current one: then write -- before the command.',
  },
  ignore: {
    value: 'GLOB',
    many: true,
    summary: 'Ignore these files while watching, besides node_modules, .git and *.log.',
  },
  prefix: {
    summary:
      'Begin each line of a process with the number of its worker, such as [2]. Default: with more than one worker.',
  },
  'no-prefix': { summary: 'Pass the output of several workers on as it is.' },
  timestamps: { summary: 'Begin each line with the time, in UTC.' },
  'log-format': {
    value: 'FORMAT',
    summary:
      'Write lines as they are (text), or each as a JSON object with time, level, worker, pid, generation and text (json). Default: text.',
  },
  metrics: {
    value: 'ADDRESS',
    summary:
      'Answer GET /metrics here, for Prometheus and others that read OpenMetrics: 9100, 127.0.0.1:9100, [::1]:9100 or unix:/run/metrics.sock.',
  },
  name: {
    value: 'NAME',
    summary: 'Name by which reload, status and stop find this command. Default: the first address.',
  },
  control: {
    value: 'PATH',
    summary: 'Path of the control socket. Default: derived from the name.',
  },
  backlog: {
    value: 'N',
    summary: 'Length of the accept queue of each socket that is opened. Default: 1024.',
  },
  mode: {
    value: 'MODE',
    summary: 'Permissions of the unix sockets that are opened, such as 660.',
  },
  watchdog: {
    value: 'TIME',
    summary:
      'Replace a process that has not sent WATCHDOG=1 for this time. Default: the value that systemd passes.',
  },
  'notify-access': {
    value: 'WHO',
    summary:
      'Accept notifications from the process itself (main), or also from its child processes (all). Default: main.',
  },
} as const

export type RunOption = keyof typeof runOptions
