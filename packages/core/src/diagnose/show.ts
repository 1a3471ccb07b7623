import type { ServiceUnit, SocketUnit } from './rules/facts.ts'

/** The properties that are asked for. systemd leaves out those that its version does not know. */
export const PROPERTIES: readonly string[] = [
  'Id',
  'LoadState',
  'ActiveState',
  'Result',
  'Type',
  'NotifyAccess',
  'MainPID',
  'ExecStart',
  'FileDescriptorStoreMax',
  'TimeoutStopUSec',
  'WatchdogUSec',
  'Restart',
  'RestartUSec',
  'NRestarts',
  'StartLimitIntervalUSec',
  'StartLimitBurst',
  'TriggeredBy',
  'Triggers',
  'Listen',
  'FileDescriptorName',
  'Backlog',
  'Accept',
  'KillMode',
]

/** The properties of a unit; `Listen` may have several values. */
export type Properties = ReadonlyMap<string, readonly string[]>

/** Reads what `systemctl show` prints: lines of `Name=value`, an empty line between two units. */
export function parseShow(text: string): Properties[] {
  return text
    .split(/\n\n+/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const properties = new Map<string, string[]>()
      for (const line of block.split('\n')) {
        const at = line.indexOf('=')
        if (at < 1) continue
        const name = line.slice(0, at)
        properties.set(name, [...(properties.get(name) ?? []), line.slice(at + 1)])
      }
      return properties
    })
}

export function serviceUnitOf(properties: Properties): ServiceUnit {
  const text = textOf(properties)
  return {
    id: text('Id'),
    loaded: text('LoadState') !== 'not-found',
    active: text('ActiveState'),
    result: text('Result'),
    type: text('Type'),
    notifyAccess: text('NotifyAccess'),
    killMode: text('KillMode'),
    mainPid: Number(text('MainPID')) || 0,
    command: /argv\[\]=(.*?) ; /.exec(text('ExecStart'))?.[1] ?? '',
    fdStoreMax: wholeNumber(text('FileDescriptorStoreMax')),
    stopTimeout: parseTimespan(text('TimeoutStopUSec')) ?? Number.POSITIVE_INFINITY,
    watchdog: parseTimespan(text('WatchdogUSec')) ?? 0,
    restart: text('Restart'),
    restartDelay: parseTimespan(text('RestartUSec')) ?? 0,
    restarts: wholeNumber(text('NRestarts')) ?? 0,
    startLimit: {
      interval: parseTimespan(text('StartLimitIntervalUSec')) ?? 0,
      burst: wholeNumber(text('StartLimitBurst')) ?? 0,
    },
    triggeredBy: words(text('TriggeredBy')),
  }
}

export function socketUnitOf(properties: Properties): SocketUnit {
  const text = textOf(properties)
  return {
    id: text('Id'),
    loaded: text('LoadState') !== 'not-found',
    active: text('ActiveState'),
    result: text('Result'),
    listens: (properties.get('Listen') ?? []).map((listen) => listen.replace(/ \(\w+\)$/, '')),
    name: text('FileDescriptorName'),
    backlog: wholeNumber(text('Backlog')),
    accept: text('Accept') === 'yes',
    triggers: words(text('Triggers')),
  }
}

// The units of format_timespan() in systemd's time-util.c, in milliseconds.
const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  month: 2_629_800_000,
  y: 31_557_600_000,
}

/** Milliseconds in a time span as systemd prints it: `1min 30s`, `infinity`, `0`. */
export function parseTimespan(text: string): number | undefined {
  if (text === 'infinity') return Number.POSITIVE_INFINITY
  if (text === '0') return 0
  const parts = words(text).map((word) => {
    const [, count, unit = ''] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(word) ?? []
    return Number(count) * (UNITS[unit] ?? Number.NaN)
  })
  const sum = parts.reduce((total, part) => total + part, 0)
  return parts.length === 0 || Number.isNaN(sum) ? undefined : sum
}

const textOf =
  (properties: Properties) =>
  (name: string): string =>
    properties.get(name)?.[0] ?? ''

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '')

const wholeNumber = (text: string): number | undefined =>
  /^\d{1,15}$/.test(text) ? Number(text) : undefined
