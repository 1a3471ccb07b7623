import { describeFd } from '@socket-port/core/supervisor'

/** The address of a listening socket for people, `[::]:8080` or `unix:/run/app.sock`; `fd 3` where it has none. */
export function fdAddress(fd: number): string {
  const facts = describeFd(fd)
  return (typeof facts === 'string' ? undefined : facts.text) ?? `fd ${fd}`
}
