import { writeJson } from '../base/io.ts'
import { type Command, defineCommand } from '../command-line/command.ts'
import { duration } from '../command-line/scalars.ts'

export const doctorCommand: Command = defineCommand<'json' | 'timeout'>({
  name: 'doctor',
  summary: 'Say which sockets a service gets, from whom, and what is wrong.',
  details:
    'Of a service it tells what is visible from outside; with sudo also what was passed to it. Without a unit it looks at itself: as the ExecStart= of a service it tells what that passes. Ends with 1 if there is an error and with 6 if it could not look; warnings alone end with 0.',
  arguments: [
    { name: 'UNIT', summary: 'A systemd service, such as app.service, or a pid.', optional: true },
  ],
  options: {
    json: { summary: 'As JSON, for scripts.' },
    timeout: { value: 'TIME', summary: 'The longest that systemd is asked. Default: 2s.' },
  },
  examples: [
    ['socket-port doctor app.service', 'Look at a service from outside, running or not.'],
    ['socket-port doctor --json', 'What was passed to this very process, for a script.'],
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
