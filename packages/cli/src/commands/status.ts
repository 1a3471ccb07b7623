import { counted } from '../base/counted.ts'
import { type Output, styled, writeJson } from '../base/io.ts'
import { type Command, defineCommand } from '../command-line/command.ts'
import type { GenerationStatus, SocketStatus, Status, WorkerStatus } from '../control/status.ts'
import { ask, showAnswer, type TargetName, targetOptions } from './control.ts'

export const statusCommand: Command = defineCommand<TargetName | 'json'>({
  name: 'status',
  summary: 'Show sockets, generations and processes, and the outcome of the last reload.',
  options: {
    ...targetOptions,
    json: { summary: 'Print JSON, for scripts; times in milliseconds.' },
  },
  examples: [
    ['socket-port status', 'Show sockets, generations and processes.'],
    ['socket-port status --json', 'Print the same for a script.'],
  ],
  async execute(parsed, io) {
    const answer = await ask('status', parsed, io)
    if (!answer.ok || answer.status === undefined) showAnswer(answer, io)
    else if (parsed.has('json')) writeJson(io, answer.status)
    else io.stdout.write(formatStatus(answer.status, io.stdout))
    return answer.exitCode
  },
})

/** Formats the status for people; a terminal gets colours. */
export function formatStatus(status: Status, output: Output): string {
  const { name, pid, state, uptime, command, sockets, generations, reloads, restarts } = status
  const { succeeded, failed, last } = reloads
  const colour = state === 'running' ? 'green' : 'yellow'
  const failure = last !== null && !last.ok ? `, the last one at ${last.at}: ${last.reason}` : ''
  return [
    `${styled(output, 'bold', name)} is ${styled(output, colour, state)}, process ${pid}, up ${span(uptime)}`,
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
    counted(webSockets, 'WebSocket'),
    counted(eventStreams, 'event stream'),
    counted(tunnels, 'tunnel'),
  ].filter((each) => !each.startsWith('0 '))
  const named = kinds.length > 0 ? ` (${kinds.join(', ')})` : ''
  return `${counted(handedOver, 'connection')} handed over${named}, ${received} received`
}

const problems: Record<string, string> = {
  'path-gone': ', its path has been removed: no client can find it',
  'path-replaced': ', another file has replaced its path: no client can reach it',
}

function formatSocket({ address, name, inherited, problem }: SocketStatus): string {
  const named = name === 'unknown' ? '' : ` (${name})`
  return `${address}${named}${inherited ? ', inherited' : ''}${problems[problem ?? ''] ?? ''}`
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
