/** One message of sd_notify(3), as the manager receives it. */
export interface Notification {
  /** The sender's pid, from the kernel; `undefined` for a process of another pid namespace. */
  pid: number | undefined
  /** Its assignments. Of a repeated name the last one counts, as in systemd. */
  fields: ReadonlyMap<string, string>
  /** The descriptors that came with it. They are close-on-exec, and the receiver owns them. */
  fds: readonly number[]
}

/** Reads the assignments of a datagram. Skips lines that are no assignments, as systemd does. Pure. */
export function parseFields(bytes: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    const equals = line.indexOf('=')
    if (equals > 0) fields.set(line.slice(0, equals), line.slice(equals + 1))
  }
  return fields
}

/** Converts a value in microseconds (`WATCHDOG_USEC`, `EXTEND_TIMEOUT_USEC`) to ms; `undefined` if it is malformed. */
export function toMilliseconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,16}$/.test(value) ? Number(value) / 1000 : undefined
}
