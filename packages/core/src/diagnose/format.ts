import { counted } from '../base/counted.ts'
import { plainText, quote } from '../base/quote.ts'
import { describeNamed, socketAddress } from '../listen/candidate.ts'
import { passedIsKnown } from './outside.ts'
import type { DiagnosedListener, DiagnosedSocket, Diagnosis, Starter } from './rules/types.ts'

/** A diagnosis as lines for a terminal or a log. It holds no escape sequences, whatever units and sockets are called. */
export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { pid, command, seen, starter, environment } = diagnosis
  const { sockets, listeners, problems, unknown } = diagnosis
  const lines = [
    ...(unanswered(diagnosis)
      ? []
      : [
          `process      ${pid === 0 ? 'none runs' : `${pid} (${command})`}`,
          `started by   ${describeStarter(starter)}`,
        ]),
    ...starter.wrappers.map((one) => `  through    pid ${one.pid} (${one.command})`),
    ...Object.entries(environment).map(([name, value], index) =>
      row(index, 'environment', `${name}=${printable(value)}`),
    ),
    ...(showsPassed(diagnosis) ? listed('passed', sockets.map(describeSocket)) : []),
    ...(seen !== 'process' ? [] : listed('listens', listeners.map(describeListener))),
    ...unknown.map((what) => `not known    ${what}`),
    '',
    problems.length === 0 ? withoutProblem(diagnosis) : `${count(problems.length)}:`,
  ]
  for (const { severity, code, problem, mend } of problems) {
    lines.push('', `${severity} ${code}`, `  ${problem}`, `  mend: ${mend}`)
  }
  return plainText(`${lines.join('\n')}\n`)
}

// systemd was asked about a service, and did not answer whether it runs.
const unanswered = ({ seen, pid }: Diagnosis): boolean => seen === 'nothing' && pid === 0

const showsPassed = ({ seen, pid, unknown }: Diagnosis): boolean =>
  seen === 'process' || (seen === 'unit' && pid !== 0 && passedIsKnown(unknown))

function withoutProblem(diagnosis: Diagnosis): string {
  const { seen } = diagnosis
  if (seen === 'process') return 'no problem was found'
  if (seen === 'unit') return 'no problem is visible from outside'
  if (unanswered(diagnosis)) return `could not look at ${diagnosis.starter.unit}`
  if (!passedIsKnown(diagnosis.unknown)) return `could not look at process ${diagnosis.pid}`
  return (
    'nothing to look at: no manager has passed anything to this process, and no server listens in it. Name ' +
    'a service (socket-port doctor app.service), or call diagnose() in the process that serves'
  )
}

const describeListener = ({ request, source, fd, address }: DiagnosedListener): string =>
  [`${request}: ${address}`, source === 'bound' ? 'bound here' : `inherited as fd ${fd}`].join(', ')

const count = (problems: number): string => counted(problems, 'problem')

function listed(title: string, values: readonly string[]): string[] {
  const shown = values.length === 0 ? ['nothing'] : values
  return shown.map((value, index) => row(index, title, value))
}

const row = (index: number, title: string, value: string): string =>
  `${(index === 0 ? title : '').padEnd(13)}${value}`

function describeStarter({ kind, pid, unit, user, version }: Starter): string {
  const process = pid === undefined ? '' : `, pid ${pid}`
  switch (kind) {
    case 'systemd': {
      const whose = user ? ' of the user' : ''
      return `systemd${whose}${version === undefined ? '' : ` ${version}`}${process}, as ${unit}`
    }
    case 'socket-port':
      return `socket-port run${process}`
    case 'activator':
      return 'a program that passes sockets, such as systemd-socket-activate'
    case 'none':
      return 'no known manager'
  }
}

function describeSocket(socket: DiagnosedSocket): string {
  const { fd, name, problem, taken, backlog, queueLength } = socket
  const queue = backlog === undefined ? [] : [`queue ${queueLength ?? '?'} of ${backlog}`]
  const served = taken === undefined ? 'listens' : taken ? 'taken' : 'not taken'
  const state = problem ?? served
  const address = socket.family === undefined ? [] : [socketAddress(socket)]
  return [describeNamed({ fd, name }), ...address, state, ...queue].join(', ')
}

// Quote a value that is long, or that holds spaces or control characters.
const printable = (value: string): string =>
  /^[\x21-\x7e]{0,200}$/.test(value) ? value : quote(value)
