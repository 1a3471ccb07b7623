import { type Command, defineCommand } from '../command-line/command.ts'
import { duration, port } from '../command-line/scalars.ts'

export const freeCommand: Command = defineCommand<'host' | 'yes' | 'force' | 'timeout' | 'json'>({
  name: 'free',
  summary: 'End whoever listens on a TCP port; asks first.',
  details:
    'SIGTERM, then SIGKILL. Never an ancestor, PID 1, a process of another user or container, or one whose socket a manager owns: then nobody is signalled.',
  arguments: [{ name: 'PORT', summary: 'The port to free, 1 to 65535.' }],
  options: {
    host: {
      value: 'HOST',
      summary: 'Address to free. Default: every address, IPv6 and IPv4.',
    },
    yes: { short: 'y', summary: 'Do not ask; needed where there is no terminal.' },
    force: { summary: 'Under NODE_ENV=production too.' },
    timeout: { value: 'TIME', summary: 'From SIGTERM to SIGKILL. Default: 3s.' },
    json: { summary: 'As JSON, for scripts.' },
  },
  examples: [
    ['socket-port free 8080', 'Show who listens on port 8080, and ask.'],
    ['socket-port free 8080 --yes --json', 'In a script.'],
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
