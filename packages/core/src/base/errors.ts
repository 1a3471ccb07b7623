/** The codes of this package. Bind errors keep the code that Node gives them (`EADDRINUSE`, `EACCES`, …). */
export type SocketPortErrorCode =
  | 'ERR_SOCKET_PORT_ALREADY_LISTENING'
  | 'ERR_SOCKET_PORT_ALREADY_ATTACHED'
  | 'ERR_SOCKET_PORT_AMBIGUOUS'
  | 'ERR_SOCKET_PORT_CLOSED'
  | 'ERR_SOCKET_PORT_INVALID_OPTION'
  | 'ERR_SOCKET_PORT_INVALID_PATH'
  | 'ERR_SOCKET_PORT_INVALID_PORT'
  | 'ERR_SOCKET_PORT_KILL_FAILED'
  | 'ERR_SOCKET_PORT_KILL_REFUSED'
  | 'ERR_SOCKET_PORT_NOT_INHERITED'
  | 'ERR_SOCKET_PORT_PATH_NOT_A_SOCKET'
  | 'ERR_SOCKET_PORT_SHUTTING_DOWN'
  | 'ERR_SOCKET_PORT_SYSCALL'
  | 'ERR_SOCKET_PORT_UNKNOWN_OPTION'
  | 'ERR_SOCKET_PORT_UNSUPPORTED'

/** The codes of Node that bind errors keep. */
export type BindErrorCode =
  | 'EACCES'
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EAFNOSUPPORT'
  | 'EAI_AGAIN'
  | 'EINVAL'
  | 'ENOTDIR'
  | 'ENOTFOUND'

/** What each `ERR_SOCKET_PORT_…` code means; `docs/errors.md` is checked against this table. */
export const errorCodes: Readonly<Record<SocketPortErrorCode, string>> = {
  ERR_SOCKET_PORT_ALREADY_LISTENING: 'The server already listens, or is about to.',
  ERR_SOCKET_PORT_ALREADY_ATTACHED:
    'A plugin or adapter is applied to a server that already has one.',
  ERR_SOCKET_PORT_AMBIGUOUS: 'More than one inherited socket fits the request.',
  ERR_SOCKET_PORT_CLOSED: 'The server was closed while it was about to listen.',
  ERR_SOCKET_PORT_INVALID_OPTION: 'An option has a value of the wrong type or out of range.',
  ERR_SOCKET_PORT_INVALID_PATH:
    'A unix socket path is missing, empty, too long, or contains a NUL byte.',
  ERR_SOCKET_PORT_INVALID_PORT: 'A port is not an integer between 0 and 65535.',
  ERR_SOCKET_PORT_KILL_FAILED: 'The port is still held after SIGKILL, or cannot be freed here.',
  ERR_SOCKET_PORT_KILL_REFUSED: 'Freeing the port would end a process that must not be ended.',
  ERR_SOCKET_PORT_NOT_INHERITED: "`inherit: 'require'` was asked for and no socket was inherited.",
  ERR_SOCKET_PORT_PATH_NOT_A_SOCKET: 'A file that is not a socket exists at the unix path.',
  ERR_SOCKET_PORT_SHUTTING_DOWN: 'The process is shutting down and starts no new server.',
  ERR_SOCKET_PORT_SYSCALL: 'A system call on an inherited socket failed.',
  ERR_SOCKET_PORT_UNKNOWN_OPTION: 'An option with this name does not exist.',
  ERR_SOCKET_PORT_UNSUPPORTED: 'This Node version or platform lacks what the option needs.',
}

export interface SocketPortErrorDetails {
  fd?: number | undefined
  port?: number | undefined
  address?: string | undefined
  path?: string | undefined
  syscall?: string | undefined
  errno?: number | undefined
  cause?: unknown
}

// Symbol.for: an error of one copy of this package is recognised by another copy.
const brand = Symbol.for('@socket-port/core/error')

/** Every error this package throws. The message says what happened, the values seen, and the fix. */
export class SocketPortError extends Error {
  override readonly name: string = 'SocketPortError'
  readonly code: SocketPortErrorCode | BindErrorCode
  declare readonly fd?: number
  declare readonly port?: number
  declare readonly address?: string
  declare readonly path?: string
  declare readonly syscall?: string
  declare readonly errno?: number

  constructor(
    code: SocketPortErrorCode | BindErrorCode,
    message: string,
    details: SocketPortErrorDetails = {},
  ) {
    const { cause, ...values } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    Object.defineProperty(this, brand, { value: true })
    for (const [key, value] of Object.entries(values)) {
      if (value !== undefined) Object.assign(this, { [key]: value })
    }
  }

  /** True for errors of any copy of this package that is loaded in the process. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}
