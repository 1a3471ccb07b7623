import { checkKeys, integer, invalid } from '../base/options.ts'
import type { NotifyMessage } from '../base/types.ts'
import type { NotifyFields } from './notifier.ts'

const KEYS = [
  ...['ready', 'reloading', 'stopping', 'status', 'mainPid', 'errno', 'extendTimeout'],
  ...['watchdog', 'watchdogTimeout', 'fields'],
]

// systemd ignores a longer datagram (NOTIFY_BUFFER_MAX, which is PIPE_BUF).
const MOST_BYTES = 4096
const MOST_STATUS_BYTES = 1024

const LONGEST = 2 ** 31 - 1

/** The assignments of a message, always in the same order. Throws ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION. */
export function toFields(message: NotifyMessage): NotifyFields {
  if (typeof message !== 'object' || message === null) {
    throw invalid('the message', message, 'an object such as { ready: true }')
  }
  checkKeys(message, KEYS, 'part of a notification')
  const { status, fields = {} } = message
  const [ready, reloading, stopping] = (['ready', 'reloading', 'stopping'] as const).map((name) =>
    isTrue(name, message[name]),
  )
  if (Number(ready) + Number(reloading) + Number(stopping) > 1) {
    throw invalid('reloading', reloading, 'alone: a process is ready, reloading or stopping')
  }
  const result: Record<string, string | number | undefined> = {
    READY: ready ? 1 : undefined,
    RELOADING: reloading ? 1 : undefined,
    MONOTONIC_USEC: reloading ? monotonicMicroseconds() : undefined,
    STOPPING: stopping ? 1 : undefined,
    MAINPID: integer('mainPid', message.mainPid, 1, LONGEST, 'the process id'),
    STATUS: status === undefined ? undefined : statusText(status),
    ERRNO: integer('errno', message.errno, 1, 4095, 'the errno'),
    EXTEND_TIMEOUT_USEC: microseconds('extendTimeout', message.extendTimeout),
    WATCHDOG: watchdog(message.watchdog),
    WATCHDOG_USEC: microseconds('watchdogTimeout', message.watchdogTimeout),
    ...ownFields(fields),
  }
  const lines = Object.entries(result).filter(([, value]) => value !== undefined)
  if (lines.length === 0)
    throw invalid('the message', message, 'such as { ready: true }, not empty')
  const bytes = Buffer.byteLength(lines.map((line) => line.join('=')).join('\n'))
  if (bytes > MOST_BYTES) {
    throw invalid(
      'the message',
      `${bytes} bytes`,
      `at most ${MOST_BYTES} bytes; shorten status or fields`,
    )
  }
  return Object.fromEntries(lines) as NotifyFields
}

/** The text on one line, cut to {@link MOST_STATUS_BYTES}. */
export function statusText(text: unknown): string {
  if (typeof text !== 'string') throw invalid('status', text, 'a string')
  const line = text.replace(/\p{Cc}+/gu, ' ')
  if (Buffer.byteLength(line) <= MOST_STATUS_BYTES) return line
  const cut = Buffer.from(line).subarray(0, MOST_STATUS_BYTES).toString()
  // The cut may split a character; drop what is left of it.
  return `${cut.replace(/\uFFFD$/, '')}…`
}

/** CLOCK_MONOTONIC in microseconds. The manager tells two reloads apart by it. */
export const monotonicMicroseconds = (): string => String(process.hrtime.bigint() / 1000n)

function ownFields(fields: unknown): Record<string, string> {
  if (typeof fields !== 'object' || fields === null) throw invalid('fields', fields, 'an object')
  for (const [name, value] of Object.entries(fields)) {
    if (!/^X_[A-Z0-9_]+$/.test(name)) {
      throw invalid('fields', name, 'names such as X_VERSION: the others belong to sd_notify(3)')
    }
    if (typeof value !== 'string' || /[\n\0]/.test(value)) {
      throw invalid(`fields.${name}`, value, 'a string on one line')
    }
  }
  return fields as Record<string, string>
}

function isTrue(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true
  throw invalid(name, value, 'true or false')
}

function watchdog(value: unknown): string | undefined {
  if (value === undefined || value === false) return undefined
  if (value === true) return '1'
  if (value === 'trigger') return value
  throw invalid('watchdog', value, "true or 'trigger'")
}

function microseconds(name: string, value: unknown): string | undefined {
  const ms = integer(name, value, 1, LONGEST, 'milliseconds')
  return ms === undefined ? undefined : `${ms}000`
}
