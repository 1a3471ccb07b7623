/** The systemd service that a process belongs to. */
export interface ServiceName {
  unit: string
  /** It belongs to a user's own systemd (`systemctl --user`). */
  user: boolean
}

/**
 * The service in the text of `/proc/PID/cgroup`; `undefined` where there is none, as in a login
 * session or a container. Pure.
 */
export function parseServiceName(text: string): ServiceName | undefined {
  // cgroup v2 has one line, `0::`. With cgroup v1, systemd has a hierarchy of its own.
  const paths = text
    .split('\n')
    .map((line) => /^(?:0:|\d+:name=systemd):(.*)$/.exec(line)?.[1])
    .filter((path) => path !== undefined)
  return paths.map(serviceIn).find((found) => found !== undefined)
}

function serviceIn(path: string): ServiceName | undefined {
  const segments = path.split('/')
  // A process may have moved into groups below its service; those groups are not units.
  const unit = segments.findLast((segment) => /\.(service|scope)$/.test(segment))
  if (unit === undefined || unit.endsWith('.scope') || isUserManager(unit)) return undefined
  return { unit, user: segments.slice(0, segments.lastIndexOf(unit)).some(isUserManager) }
}

const isUserManager = (segment: string): boolean => /^user@\d+\.service$/.test(segment)
