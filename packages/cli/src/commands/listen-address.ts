import { isIPv6 } from 'node:net'
import { isZoneDropped, LONGEST_UNIX_PATH } from '@socket-port/core/supervisor'
import { UsageError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import type { ListenAddress } from '../run/options.ts'

// The names that systemd reserves in LISTEN_FDNAMES (sd_listen_fds_with_names(3)).
const RESERVED = ['unknown', 'stored', 'connection']

/**
 * Reads the value of `--listen`: `8080`, `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/app.sock`, each
 * optionally after a name, as in `web=8080`.
 */
export function listenAddress(value: string): ListenAddress {
  // A unix path may contain `=` too, but only after the colon of `unix:`.
  const [, name, address = value] = /^([^=:/[\]]*)=(.*)$/s.exec(value) ?? []
  const parsed = addressOf(address)
  if (typeof parsed === 'string') throw wrong('listen', value, parsed)
  if (name === undefined) return parsed
  const problem = nameProblem(name)
  if (problem !== undefined) throw wrong('listen', value, problem)
  return { ...parsed, name }
}

/** Reads the address of another option than `--listen`: the same forms, but without a name. */
export function plainAddress(option: string, value: string): Omit<ListenAddress, 'name'> {
  const parsed = addressOf(value)
  if (typeof parsed === 'string') throw wrong(option, value, parsed)
  return parsed
}

/** Returns the address, or the problem of the text and its repair. */
function addressOf(text: string): ListenAddress | string {
  if (text.startsWith('unix:')) return unixAddress(text.slice('unix:'.length))
  if (/^[./@]/.test(text)) return `write a unix socket as unix:${text}`
  if (/^\d+$/.test(text)) return withPort({}, text)
  const [, place] = /^[a-z]+:\/\/([^/]*)/i.exec(text) ?? []
  if (place !== undefined) return `write the address alone: ${place || 'localhost:8080'}`
  const bracketed = /^\[(.*)\]:(\d+)$/.exec(text)
  if (bracketed) {
    const [, host = '', port = ''] = bracketed
    if (!isIPv6(host)) return 'only an IPv6 address is written in brackets'
    if (isZoneDropped(host)) {
      const [address = '', zone] = host.split('%')
      return (
        `only a link-local address (fe80::…) can be bound on one interface; without %${zone} it is ` +
        `[${address}]:${port}`
      )
    }
    return withPort({ host }, port)
  }
  if (isIPv6(text) || /:.*:/.test(text)) {
    return 'write an IPv6 address in brackets, with a port after them: [::1]:8080'
  }
  const [, host = '', port] = /^([^:]*)(?::(\d+))?$/.exec(text) ?? []
  if (text.includes(',')) return 'write an option for each address: --listen 80 --listen 443'
  if (port === undefined) return 'a port is missing, such as 8080 or 127.0.0.1:8080'
  if (host === '' || host === '*') return `for every address, write the port alone: ${port}`
  if (!/^[\w.-]+$/.test(host)) return `${quote(host)} is neither an address nor a host name`
  return withPort({ host }, port)
}

function withPort(address: ListenAddress, digits: string): ListenAddress | string {
  const port = Number(digits)
  return port <= 65_535 ? { ...address, port } : 'a port is at most 65535'
}

// Core checks the length again at the bind.
function unixAddress(path: string): ListenAddress | string {
  if (path === '' || path === '@') return 'a path is missing, such as unix:/run/app.sock'
  if (path.includes('\0')) return 'a path cannot contain a NUL byte'
  const bytes = Buffer.byteLength(path)
  if (bytes > LONGEST_UNIX_PATH)
    return `a path is at most ${LONGEST_UNIX_PATH} bytes long, not ${bytes}`
  return { path }
}

function nameProblem(name: string): string | undefined {
  if (!/^[\x21-\x7e]{1,255}$/.test(name)) {
    return 'a name is 1 to 255 ASCII letters, digits or signs, without a space'
  }
  return RESERVED.includes(name) ? `systemd reserves the name ${name}` : undefined
}

const wrong = (option: string, value: string, fix: string): UsageError =>
  new UsageError(`--${option} ${quote(value)}: ${fix}`)
