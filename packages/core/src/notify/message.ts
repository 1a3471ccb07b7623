import type { NotifyMessage } from '../base/types.ts'
import {
  type Check,
  type Checks,
  type Complete,
  checkKeys,
  complete,
  flag,
  integer,
  invalid,
  LONGEST_TIMEOUT,
  optional,
} from '../base/validate.ts'
import type { NotifyFields } from './notifier.ts'

// systemd ignores a longer datagram (NOTIFY_BUFFER_MAX, which is PIPE_BUF).
const MOST_BYTES = 4096
const MOST_STATUS_BYTES = 1024

const MOST_PID = 2 ** 31 - 1

const watchdog: Check<boolean | 'trigger'> = (name, value) => {
  if (typeof value === 'boolean' || value === 'trigger') return value
  throw invalid(name, value, "true or 'trigger'")
}

const duration = integer(1, LONGEST_TIMEOUT, undefined, 'milliseconds')

const fields: Check<Record<string, string>> = (_, value) => {
  if (typeof value !== 'object' || value === null) throw invalid('fields', value, 'an object')
  for (const [name, text] of Object.entries(value)) {
    if (!/^X_[A-Z0-9_]+$/.test(name)) {
      throw invalid('fields', name, 'names such as X_VERSION: the others belong to sd_notify(3)')
    }
    if (typeof text !== 'string' || /[\n\0]/.test(text)) {
      throw invalid(`fields.${name}`, text, 'a string on one line')
    }
  }
  return value as Record<string, string>
}

type Unset = 'status' | 'mainPid' | 'errno' | 'extendTimeout' | 'watchdogTimeout'

const MESSAGE: Checks<Complete<NotifyMessage, Unset>> = {
  ready: flag(false),
  reloading: flag(false),
  stopping: flag(false),
  status: optional((_, value) => statusText(value)),
  mainPid: integer(1, MOST_PID, undefined),
  errno: integer(1, 4095, undefined),
  extendTimeout: duration,
  watchdog: { check: watchdog, fallback: false },
  watchdogTimeout: duration,
  fields: { check: fields, fallback: {} },
}

/** The assignments of a message, always in the same order. Throws ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION. */
export function toFields(message: NotifyMessage): NotifyFields {
  if (typeof message !== 'object' || message === null) {
    throw invalid('the message', message, 'an object such as { ready: true }')
  }
  checkKeys(message, MESSAGE, 'part of a notification')
  const { ready, reloading, stopping, watchdog, ...given } = complete(message, MESSAGE)
  if (Number(ready) + Number(reloading) + Number(stopping) > 1) {
    throw invalid('reloading', reloading, 'alone: a process is ready, reloading or stopping')
  }
  const result: Record<string, string | number | undefined> = {
    READY: ready ? 1 : undefined,
    RELOADING: reloading ? 1 : undefined,
    MONOTONIC_USEC: reloading ? monotonicMicroseconds() : undefined,
    STOPPING: stopping ? 1 : undefined,
    MAINPID: given.mainPid,
    STATUS: given.status,
    ERRNO: given.errno,
    EXTEND_TIMEOUT_USEC: microseconds(given.extendTimeout),
    WATCHDOG: watchdog === true ? '1' : watchdog || undefined,
    WATCHDOG_USEC: microseconds(given.watchdogTimeout),
    ...given.fields,
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

const microseconds = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : `${ms}000`
