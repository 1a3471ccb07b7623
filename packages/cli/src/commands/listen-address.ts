import { isIPv6 } from 'node:net'
import { isZoneDropped, LONGEST_UNIX_PATH } from '@socket-port/core/supervisor'
import { UsageError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import type { ListenAddress } from '../run/options.ts'

// What systemd reserves in LISTEN_FDNAMES (sd_listen_fds_with_names(3)).
const RESERVED = ['unknown', 'stored', 'connection']

/**
 * Reads the value of `--listen`: `8080`, `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/app.sock`, each
 * with a name in front if need be, as in `web=8080`.
 */
export function listenAddress(value: string): ListenAddress {
  // A unix path may hold a `=` too, but only behind the colon of `unix:`.
  const [, name, address = value] = /^([^=:/[\]]*)=(.*)$/s.exec(value) ?? []
  const place = placeOf(address)
  if (typeof place === 'string') throw wrong(value, place)
  if (name === undefined) return place
  const problem = nameProblem(name)
  if (problem !== undefined) throw wrong(value, problem)
  return { ...place, name }
}

/** Returns a socket's place, or what is wrong with the text and how to mend it. */
function placeOf(text: string): ListenAddress | string {
  if (text.startsWith('unix:')) return unixPlace(text.slice('unix:'.length))
  if (/^[./@]/.test(text)) return `a unix socket is written unix:${text}`
  if (/^\d+$/.test(text)) return withPort({}, text)
  const bracketed = /^\[(.*)\]:(\d+)$/.exec(text)
  if (bracketed) {
    const [, host = '', port = ''] = bracketed
    if (!isIPv6(host)) return 'only an IPv6 address stands in brackets'
    if (isZoneDropped(host)) {
      const [address = '', zone] = host.split('%')
      return (
        `only link-local addresses (fe80::…) are bound on one interface; without %${zone} it is ` +
        `[${address}]:${port}`
      )
    }
    return withPort({ host }, port)
  }
  if (isIPv6(text) || /:.*:/.test(text)) {
    return 'an IPv6 address stands in brackets, with a port behind them: [::1]:8080'
  }
  const [, host = '', port] = /^([^:]*)(?::(\d+))?$/.exec(text) ?? []
  if (port === undefined) return 'a port is missing, such as 8080 or 127.0.0.1:8080'
  if (host === '' || host === '*') return `every address is written as the port alone: ${port}`
  if (!/^[\w.-]+$/.test(host)) return `${quote(host)} is no address and no host name`
  return withPort({ host }, port)
}

function withPort(place: ListenAddress, digits: string): ListenAddress | string {
  const port = Number(digits)
  return port <= 65_535 ? { ...place, port } : 'a port is at most 65535'
}

// Core checks again where it binds.
function unixPlace(path: string): ListenAddress | string {
  if (path === '' || path === '@') return 'a path is missing, such as unix:/run/app.sock'
  if (path.includes('\0')) return 'a path holds no NUL byte'
  const bytes = Buffer.byteLength(path)
  if (bytes > LONGEST_UNIX_PATH)
    return `a path is at most ${LONGEST_UNIX_PATH} bytes long, not ${bytes}`
  return { path }
}

function nameProblem(name: string): string | undefined {
  if (!/^[\x21-\x7e]{1,255}$/.test(name)) {
    return 'a name is 1 to 255 letters, digits or signs of ASCII, without a space'
  }
  return RESERVED.includes(name) ? `systemd reserves the name ${name}` : undefined
}

const wrong = (value: string, fix: string): UsageError =>
  new UsageError(`--listen ${quote(value)}: ${fix}`)
