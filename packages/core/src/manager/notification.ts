/** One message of sd_notify(3), as the manager got it. */
export interface Notification {
  /** Who sent it, as the kernel tells; `undefined` for a process of another pid namespace. */
  pid: number | undefined
  /** Its assignments; of a repeated name the last, as systemd takes it. */
  fields: ReadonlyMap<string, string>
  /** Descriptors that came with it, close-on-exec; the receiver owns them. */
  fds: readonly number[]
}

/** Reads the assignments of a datagram; what is none is passed over, as in systemd; pure. */
export function parseFields(bytes: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    const equals = line.indexOf('=')
    if (equals > 0) fields.set(line.slice(0, equals), line.slice(equals + 1))
  }
  return fields
}

/** A value in microseconds (`WATCHDOG_USEC`, `EXTEND_TIMEOUT_USEC`) in ms; `undefined` if it is none. */
export function milliseconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,16}$/.test(value) ? Number(value) / 1000 : undefined
}
