import { isIPv6 } from 'node:net'

/**
 * Whether the kernel would ignore the zone of this address (`::1%lo`), and serve it on every interface: only
 * a link-local address has one.
 */
export const isZoneDropped = (host: string): boolean =>
  isIPv6(host) && host.includes('%') && !isLinkLocal(host)

/** An address of fe80::/10, which exists once on each network interface (RFC 4291). */
export const isLinkLocal = (host: string): boolean => /^fe[89ab]/i.test(host) && isIPv6(host)
