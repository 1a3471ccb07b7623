import type { Server as HttpServer } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'
import type { AddressInfo, Server as NetServer } from 'node:net'

/** Any server of `node:net`, `node:http`, `node:https` or `node:http2`. */
export type AnyServer = NetServer | HttpServer | HttpsServer | Http2Server | Http2SecureServer

/** Where messages go. `console`, pino, winston and every framework's logger fit. */
export interface Logger {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** Which socket is wanted: a port, a unix path, or a name that the manager gave it. */
export interface SocketQuery {
  /**
   * TCP port, 0–65535; a string of decimal digits is taken too (`process.env.PORT`).
   * 0 asks for any free port. A key that is there and `undefined` is an error, unless a path or a name
   * is given: the variable it comes from is missing. @default the socket that was passed, else any free port
   */
  port?: number | string | undefined
  /**
   * Address or host name to bind, and the one to prefer among inherited sockets.
   * @default every address, IPv6 and IPv4 on one dual-stack socket
   */
  host?: string | undefined
  /** Unix socket path, at most 107 bytes; `'\0name'` or `'@name'` is abstract (Linux, unix(7)). */
  path?: string | undefined
  /** Name of an inherited socket: `FileDescriptorName=` in systemd, LISTEN_FDNAMES in general. */
  name?: string | undefined
  /** Only IPv6, no IPv4-mapped connections (`IPV6_V6ONLY`). @default false */
  ipv6Only?: boolean | undefined
  /**
   * Let this call take an inherited socket that another listener of this process has taken:
   * both then accept from one queue. @default false
   */
  shared?: boolean | undefined
  /** @default warnings and errors to stderr, the rest through `NODE_DEBUG=socket-port` */
  logger?: Logger | undefined
}

export interface ListenOptions extends SocketQuery {
  /**
   * `'prefer'`: an inherited socket that fits, else bind. `'require'`: throw
   * ERR_SOCKET_PORT_NOT_INHERITED rather than bind. `'never'`: always bind. @default 'prefer'
   */
  inherit?: 'prefer' | 'require' | 'never' | undefined
  /**
   * Length of the accept queue of a socket that is bound here, capped by the kernel
   * (`net.core.somaxconn`). An inherited socket keeps its own. @default 1024
   */
  backlog?: number | undefined
  /**
   * Bind with SO_REUSEPORT. Throws ERR_SOCKET_PORT_UNSUPPORTED where Node would ignore it
   * (before 22.12). @default false
   */
  reusePort?: boolean | undefined
  /** In a cluster worker: do not share the port with other workers. @default false */
  exclusive?: boolean | undefined
  /** Permissions of a unix socket that is bound here, e.g. `0o660`. @default by the umask */
  mode?: number | undefined
  /**
   * Development aid: end whoever holds the port, SIGTERM first. Refused under
   * `NODE_ENV=production` unless `'force'`. @default false
   */
  killPort?: boolean | 'force' | undefined
  /**
   * Keep a socket that is bound here in the manager's store, so that a restart of a plain systemd
   * service (`FileDescriptorStoreMax=`, no `.socket` unit) inherits it. Without a manager nothing is
   * kept. @default false
   */
  fdStore?: boolean | undefined
  /** Aborting closes the server; with `serve` it is drained. */
  signal?: AbortSignal | undefined
}

/** What the drain may take; all in milliseconds. */
export interface DrainOptions {
  /**
   * How long to go on as before after the signal, so that load balancers notice that the
   * process is no longer ready. @default 0
   */
  delay?: number | undefined
  /**
   * The longest that an idle connection is kept for one more request. The server's own
   * `keepAliveTimeout`, which it promised to the client, counts where it is shorter. @default 5000
   */
  idleTimeout?: number | undefined
  /** After this much, whatever is still open is destroyed and counted. @default 25000 */
  timeout?: number | undefined
  /**
   * Who takes over. `'after-exit'`: it starts when this process has ended (`systemctl restart`),
   * so newcomers are served while idle connections run out. `'running'`: it serves already (an
   * overlapped restart), so accepting stops at once. `socket-port run` makes that the default, by
   * SOCKET_PORT_SUCCESSOR. @default 'after-exit'
   */
  successor?: 'after-exit' | 'running' | undefined
  /**
   * What becomes of idle connections when the process shuts down. `'auto'`: they are handed over to
   * the successor, where somebody keeps them for it and it comes (`socket-port run`; systemd's fd
   * store, at a restart), and no client sees a close; else they are kept for as long as was promised.
   * `'promise'`: always the latter. `'handover'`: as `'auto'`, but whoever keeps them is not asked
   * whether a successor comes, which must then be so at every end. @default 'auto'
   */
  idle?: 'auto' | 'promise' | 'handover' | undefined
}

export interface ServeOptions extends ListenOptions {
  drain?: DrainOptions | undefined
  /**
   * Signals that start the drain. It is the quick form for SIGINT on a terminal (Ctrl-C), and for both
   * under `node --watch`, `tsx watch` and nodemon. @default ['SIGTERM', 'SIGINT']
   */
  signals?: readonly ShutdownSignal[] | false | undefined
  /** End the process once everything is drained and the hooks have run. @default true */
  exit?: boolean | undefined
  /**
   * End the process, as SIGTERM does, once its servers have had no connection for this many
   * milliseconds; the manager starts it again for the next one. Only on a socket that a manager
   * opened, such as a systemd `.socket` unit, and when every server of the process has it.
   * @default never
   */
  idleExit?: number | undefined
  /**
   * Take part in what the process tells its manager (`Type=notify`, sd_notify(3)): READY=1 when it
   * listens, STOPPING=1 and what is left when the process drains, more time for a long drain, and
   * the keep-alives of the watchdog. Costs nothing where `NOTIFY_SOCKET` is not set. @default true
   */
  notify?: boolean | undefined
}

export type ShutdownSignal = 'SIGTERM' | 'SIGINT'

/** Why the process shuts down: a signal, a call of `shutdown()`, or nothing to do (`idleExit`). */
export type ShutdownReason = ShutdownSignal | 'shutdown' | 'idle'

/** What a manager can be told; one call is one message, and at least one part must be there. */
export interface NotifyMessage {
  /** The process has started, or reloaded, and serves (`READY=1`). */
  ready?: boolean | undefined
  /** It reloads its configuration (`RELOADING=1`, with the time); `ready` must follow. */
  reloading?: boolean | undefined
  /** It is about to end (`STOPPING=1`); final: no `ready` may follow. */
  stopping?: boolean | undefined
  /** For people: what `systemctl status` shows. On one line, at most 1024 bytes of it. */
  status?: string | undefined
  /** The manager is to watch this process instead (`MAINPID`). */
  mainPid?: number | undefined
  /** Why the process failed, as the system numbers it: 1–4095 (`ERRNO`). */
  errno?: number | undefined
  /**
   * Give the present step, a start, a reload or a stop, this many more milliseconds from now; it
   * matters once the manager's own time-out has passed (`EXTEND_TIMEOUT_USEC`).
   */
  extendTimeout?: number | undefined
  /** A keep-alive; `'trigger'` says that it has failed (`WATCHDOG`). */
  watchdog?: boolean | 'trigger' | undefined
  /** The manager waits this many milliseconds for each keep-alive from now on (`WATCHDOG_USEC`). */
  watchdogTimeout?: number | undefined
  /** More lines, for managers that know them; each name starts with `X_`. */
  fields?: Readonly<Record<string, string>> | undefined
}

export interface NotifyOptions {
  /** Where warnings go. @default warnings and errors to stderr, the rest through `NODE_DEBUG=socket-port` */
  logger?: Logger | undefined
}

/** What happened to the connections that were open when the drain began, or came during it. */
export interface DrainResult {
  /** Nothing was destroyed by force. */
  graceful: boolean
  /** Requests answered while draining. */
  served: number
  /** Idle connections given to the successor. */
  handedOver: number
  /** Idle connections closed when their keep-alive promise had run out. */
  expired: number
  /** Connections destroyed at the deadline or by a second signal. */
  forced: number
  /** From the start of the drain to the end of the last connection, in milliseconds. */
  duration: number
}

export type DrainState = 'ready' | 'draining' | 'closed'

/** The drain of one server, for programs that have their own shutdown. */
export interface Drain {
  readonly state: DrainState
  /** Open connections, TLS handshakes included. */
  readonly connections: number
  /** Aborted when the drain starts: endless responses can end themselves. */
  readonly signal: AbortSignal
  /**
   * Drains the server; every call returns the promise of the first. `quick` closes idle
   * connections, WebSockets and event streams at once; requests in flight have 3 seconds to finish.
   */
  start(options?: { quick?: boolean }): Promise<DrainResult>
  /** Destroys what is left, now. */
  force(): void
}

export interface Service<S extends AnyServer = AnyServer> extends AsyncDisposable {
  readonly server: S
  /** Where the listening socket came from. */
  readonly source: 'inherited' | 'bound'
  /** As `server.address()`, but the path for an inherited unix socket too. */
  readonly address: AddressInfo | string
  /** The port in use, also where 0 was asked for; `undefined` for a unix socket. */
  readonly port: number | undefined
  /** For humans and logs: `http://localhost:8080`, `unix:/run/app.sock`. */
  readonly url: string
  /** `'ready'` until a drain starts: the answer for a readiness probe. */
  readonly state: DrainState
  /** Aborted when the drain starts: endless responses can end themselves. */
  readonly signal: AbortSignal
  /**
   * Drains and closes; every call returns the result of the first. `quick` closes idle connections,
   * WebSockets and event streams at once, and gives requests in flight 3 seconds. Neither runs shutdown hooks nor ends the process.
   */
  close(options?: { quick?: boolean }): Promise<DrainResult>
}

/** One socket that was passed to this process. */
export interface InheritedSocket {
  fd: number
  /** Its LISTEN_FDNAMES name; `'unknown'` where the manager gave none (sd_listen_fds(3)). */
  name: string
  family: 'IPv4' | 'IPv6' | 'unix' | undefined
  address: string | undefined
  port: number | undefined
  /** Of a unix socket; an abstract name starts with `'@'`. */
  path: string | undefined
  ipv6Only: boolean | undefined
  listening: boolean
  /** Limit of the accept queue, where the kernel tells. */
  backlog: number | undefined
  /** Connections waiting to be accepted, where the kernel tells. */
  queueLength: number | undefined
  /** A listener of this process has it. */
  taken: boolean
  /** An earlier process of the service has bound it and kept it in the manager's store (`fdStore`). */
  stored: boolean
  /** Why it cannot be used: not a listening stream socket. */
  problem: string | undefined
}
