import { writeJson } from '../base/io.ts'
import { type Command, defineCommand } from '../command-line/command.ts'
import { duration } from '../command-line/scalars.ts'

export const doctorCommand: Command = defineCommand<'json' | 'timeout'>({
  name: 'doctor',
  summary: 'Show which sockets a service gets, from where, and what is wrong.',
  details:
    'With UNIT, doctor inspects a service from outside; with sudo it also reads what was passed to its process. Without UNIT, doctor inspects its own process: put it into ExecStart= to see what the service gets. The exit code is 1 for an error, 6 when doctor could not look, and 0 for warnings alone.',
  arguments: [
    {
      name: 'UNIT',
      elsewhere: ['--unit', '-u', '--pid', '-p'],
      summary: 'A systemd service, such as app.service, or a pid.',
      optional: true,
    },
  ],
  options: {
    json: { summary: 'Print JSON, for scripts.' },
    timeout: { value: 'TIME', summary: 'How long to wait for systemd. Default: 2s.' },
  },
  examples: [
    ['socket-port doctor app.service', 'Inspect a service, running or not.'],
    ['socket-port doctor --json', 'Print what was passed to this process, for a script.'],
  ],
  async execute(parsed, io) {
    const { diagnose, formatDiagnosis } = await import('@socket-port/core/diagnose')
    const limit = parsed.last('timeout')
    const timeout = limit === undefined ? undefined : duration('timeout', limit)
    const [target = ''] = parsed.arguments
    const about = /^\d+$/.test(target) ? { pid: Number(target) } : { unit: target || undefined }
    const diagnosis = await diagnose({ ...about, timeout })
    if (parsed.has('json')) writeJson(io, diagnosis)
    else io.stdout.write(`${formatDiagnosis(diagnosis).trimEnd()}\n`)
    if (diagnosis.problems.some(({ severity }) => severity === 'error')) return 1
    return diagnosis.seen === 'nothing' ? 6 : 0
  },
})
