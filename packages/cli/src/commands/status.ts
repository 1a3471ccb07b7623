import { counted } from '../base/counted.ts'
import { UsageError } from '../base/errors.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import { type Io, type Output, styled, writeJson } from '../base/io.ts'
import { type Command, defineCommand } from '../command-line/command.ts'
import type { ControlAnswer } from '../control/protocol.ts'
import type { GenerationStatus, SocketStatus, Status, WorkerStatus } from '../control/status.ts'
import { showAnswer, type TargetName, targetOf, targetOptions } from './control.ts'
import { watchText } from './watch-status.ts'

export const statusCommand: Command = defineCommand<TargetName | 'json' | 'watch'>({
  name: 'status',
  elsewhere: ['list', 'ls', 'ps'],
  summary: 'Show sockets, generations and processes, and the outcome of the last reload.',
  details:
    'Without a name, and where several socket-port run of this user are up, it prints a line for each; --json then prints an array.',
  options: {
    ...targetOptions,
    name: { value: 'NAME', summary: 'The name, as in run --name. Default: every one that runs.' },
    json: { summary: 'Print JSON, for scripts; times in milliseconds.' },
    watch: {
      summary: 'Stay on the terminal, and show the status again each second, until Ctrl-C.',
    },
  },
  examples: [
    ['socket-port status', 'Show sockets, generations and processes.'],
    ['socket-port status --watch', 'Watch a reload.'],
    ['socket-port status --json', 'Print the same for a script.'],
  ],
  async execute(parsed, io) {
    const target = targetOf(parsed)
    const [json, watch] = [parsed.has('json'), parsed.has('watch')]
    if (json && watch) throw new UsageError('--json prints once, --watch does not: leave one out')
    const { statuses } = await import('../control/client.ts')
    if (!watch) return showStatuses(await statuses(target), json, io)
    const text = async (): Promise<string> => textOf(await statuses(target), io.stdout)
    return watchText(text, io)
  },
})

const shownOf = (answers: readonly ControlAnswer[]): readonly Status[] =>
  answers.flatMap(({ ok, status }) => (ok && status !== undefined ? [status] : []))

/** Formats all answers for people, also those that report an error. */
function textOf(answers: readonly ControlAnswer[], output: Output): string {
  const failures = answers.filter(({ ok }) => !ok).map(({ message }) => `${message}\n`)
  return [formatStatuses(answers, output), ...failures].join('')
}

function formatStatuses(answers: readonly ControlAnswer[], output: Output): string {
  const shown = shownOf(answers)
  if (answers.length > 1) return formatList(shown, output)
  return shown.map((status) => formatStatus(status, output)).join('')
}

/** Prints the answers of one `run` or of several, and returns the exit code: that of the first that failed. */
export function showStatuses(answers: readonly ControlAnswer[], json: boolean, io: Io): ExitCode {
  const shown = shownOf(answers)
  if (!json) io.stdout.write(formatStatuses(answers, io.stdout))
  else if (answers.length > 1) writeJson(io, shown)
  else if (shown.length > 0) writeJson(io, shown[0])
  for (const answer of answers) if (!answer.ok) showAnswer(answer, io)
  return answers.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0
}

/** Formats several statuses for people, a line for each. */
export function formatList(statuses: readonly Status[], output: Output): string {
  const width = Math.max(...statuses.map(({ name }) => name.length))
  return statuses.map((status) => `${formatLine(status, width, output)}\n`).join('')
}

function formatLine(status: Status, width: number, output: Output): string {
  const { name, pid, state, uptime, command, sockets, generations, reloads } = status
  const padded = styled(output, 'bold', name) + ' '.repeat(width - name.length)
  const numbers = generations.map(({ number }) => number).join(', ')
  const failed = reloads.last?.ok === false ? ', the last reload failed' : ''
  const addresses = sockets.map(({ address }) => `${address}; `).join('')
  const shown = styled(output, colourOf(state), state)
  return `${padded}  ${shown}, process ${pid}, up ${span(uptime)}, generation ${numbers}${failed}; ${addresses}${command.join(' ')}`
}

const colourOf = (state: Status['state']): 'green' | 'yellow' =>
  state === 'running' ? 'green' : 'yellow'

/** Formats the status for people; a terminal gets colours. */
export function formatStatus(status: Status, output: Output): string {
  const { name, pid, state, uptime, command, sockets, generations, reloads, restarts } = status
  const { succeeded, failed, last } = reloads
  const failure = last !== null && !last.ok ? `, the last one at ${last.at}: ${last.reason}` : ''
  return [
    `${styled(output, 'bold', name)} is ${styled(output, colourOf(state), state)}, process ${pid}, up ${span(uptime)}`,
    `  command   ${command.join(' ')}`,
    ...sockets.map((socket) => `  socket    ${formatSocket(socket)}`),
    `  reloads   ${succeeded} succeeded, ${failed} failed${failure}`,
    `  restarts  ${counted(restarts, 'process', 'processes')} replaced after a crash`,
    `  handover  ${formatHandover(status.connections)}`,
    ...generations.flatMap((generation) => formatGeneration(generation, output)),
    '',
  ].join('\n')
}

function formatHandover(connections: Status['connections']): string {
  const { handedOver, received, webSockets, eventStreams, tunnels } = connections
  const kinds = [
    [webSockets, 'WebSocket'],
    [eventStreams, 'event stream'],
    [tunnels, 'tunnel'],
  ] as const
  const shown = kinds.flatMap(([count, kind]) => (count > 0 ? [counted(count, kind)] : []))
  const named = shown.length > 0 ? ` (${shown.join(', ')})` : ''
  return `${counted(handedOver, 'connection')} handed over${named}, ${received} received`
}

const problems: Readonly<Record<NonNullable<SocketStatus['problem']>, string>> = {
  'path-gone': ', its path has been removed: no client can find it',
  'path-replaced': ', another file has replaced its path: no client can reach it',
}

function formatSocket({ address, name, inherited, problem }: SocketStatus): string {
  const named = name === 'unknown' ? '' : ` (${name})`
  // Another version of `run` may know other problems.
  const trouble = (problem === null ? undefined : problems[problem]) ?? ''
  return `${address}${named}${inherited ? ', inherited' : ''}${trouble}`
}

function formatGeneration({ number, workers }: GenerationStatus, output: Output): string[] {
  return [`generation ${number}`, ...workers.map((worker) => formatWorker(worker, output))]
}

function formatWorker(worker: WorkerStatus, output: Output): string {
  const { pid, state, uptime, readyAfter, status } = worker
  const ready = readyAfter === null ? '' : `, ready after ${span(readyAfter)}`
  const colour = state === 'ready' ? 'green' : 'yellow'
  const shown = status === null ? '' : `: ${status}`
  return `  worker ${worker.worker}  pid ${pid}  ${styled(output, colour, state)}, up ${span(uptime)}${ready}${shown}`
}

/** Formats a duration for people, in its two largest units. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}
