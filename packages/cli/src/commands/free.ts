import { type Command, defineCommand } from '../command-line/command.ts'
import { duration, port } from '../command-line/scalars.ts'

export const freeCommand: Command = defineCommand<'host' | 'yes' | 'force' | 'timeout' | 'json'>({
  name: 'free',
  summary: 'End the processes that listen on a TCP port, after a question.',
  details:
    'Sends SIGTERM, then SIGKILL. Signals no process at all when one of them is an ancestor, PID 1, a process of another user or container, or a process whose socket a manager owns.',
  arguments: [
    { name: 'PORT', elsewhere: ['--port', '-p'], summary: 'The port to free, 1 to 65535.' },
  ],
  options: {
    host: {
      value: 'HOST',
      summary: 'Address to free. Default: every IPv6 and IPv4 address.',
    },
    yes: { short: 'y', summary: 'Do not ask. Required without a terminal.' },
    force: { summary: 'Free the port even when NODE_ENV is production.' },
    timeout: { value: 'TIME', summary: 'Send SIGKILL this long after SIGTERM. Default: 3s.' },
    json: { summary: 'Print JSON, for scripts.' },
  },
  examples: [
    ['socket-port free 8080', 'Show the processes that listen on port 8080, and ask.'],
    ['socket-port free 8080 --yes --json', 'Free the port from a script.'],
  ],
  async execute(parsed, io) {
    const limit = parsed.last('timeout')
    const host = parsed.last('host')
    const job = {
      port: port('free', parsed.arguments[0] ?? ''),
      yes: parsed.has('yes'),
      force: parsed.has('force'),
      json: parsed.has('json'),
      ...(host === undefined ? {} : { host }),
      ...(limit === undefined ? {} : { timeout: duration('timeout', limit) }),
    }
    const { free } = await import('./free-port.ts')
    return free(job, io)
  },
})
