import type { Server as HttpServer } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'
import type { AddressInfo, Server as NetServer } from 'node:net'

/** Any server of `node:net`, `node:http`, `node:https` or `node:http2`. */
export type AnyServer = NetServer | HttpServer | HttpsServer | Http2Server | Http2SecureServer

/** Receives messages. `console`, pino, winston and every framework's logger fit. */
export interface Logger {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** The socket that is wanted: a port, a unix path, or a name that the manager gave it. */
export interface SocketQuery {
  /**
   * TCP port, 0–65535; a string of decimal digits is taken too (`process.env.PORT`).
   * 0 asks for any free port. `{ port: undefined }` is an error, unless a path or a name is given: usually
   * an environment variable is not set. @default the socket that was passed, else any free port
   */
  port?: number | string | undefined
  /**
   * Address or host name to bind. Among several inherited sockets it selects one.
   * @default every address, IPv6 and IPv4 on one dual-stack socket
   */
  host?: string | undefined
  /** Unix socket path, at most 107 bytes; `'\0name'` or `'@name'` is abstract (Linux, unix(7)). */
  path?: string | undefined
  /** Name of an inherited socket: `FileDescriptorName=` of systemd, LISTEN_FDNAMES in general. */
  name?: string | undefined
  /** Only IPv6, no IPv4-mapped connections (`IPV6_V6ONLY`). @default false */
  ipv6Only?: boolean | undefined
  /**
   * Allow this call to take an inherited socket that another listener of this process has already
   * taken. Both then accept from one queue. @default false
   */
  shared?: boolean | undefined
  /** @default warnings and errors to stderr, the rest through `NODE_DEBUG=socket-port` */
  logger?: Logger | undefined
}

export interface ListenOptions extends SocketQuery {
  /**
   * `'prefer'`: take an inherited socket that fits, else bind. `'require'`: throw
   * ERR_SOCKET_PORT_NOT_INHERITED instead of binding. `'never'`: always bind. @default 'prefer'
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
   * For development: end the process that holds the port, with SIGTERM first. Refused under
   * `NODE_ENV=production` unless `'force'`. @default false
   */
  killPort?: boolean | 'force' | undefined
  /**
   * Put a socket that is bound here into the manager's fd store, so that the next process of a plain
   * systemd service (`FileDescriptorStoreMax=`, no `.socket` unit) inherits it. Has no effect without a
   * manager. @default false
   */
  fdStore?: boolean | undefined
  /** Aborting closes the server; `serve` drains it. */
  signal?: AbortSignal | undefined
}

/** Options of the drain. All durations are milliseconds. */
export interface DrainOptions {
  /**
   * How long the server continues as before after the signal, so that load balancers notice that the
   * process is no longer ready. Skipped by the quick form, and where the next process serves already. @default 0
   */
  delay?: number | undefined
  /**
   * The longest time that an idle connection is kept for one more request. The keep-alive promise of the
   * server (`keepAliveTimeout`, sent as `Keep-Alive: timeout=`) may be shorter, and then applies. @default 5000
   */
  idleTimeout?: number | undefined
  /** The deadline. Connections that are still open then are destroyed and counted. @default 25000 */
  timeout?: number | undefined
  /**
   * When the next process starts. `'after-exit'`: after this one has ended (`systemctl restart`), so new
   * connections are served while idle ones run out. `'running'`: it already serves (an overlapped
   * restart), so this process stops accepting at once. Under `socket-port run`, which sets
   * SOCKET_PORT_SUCCESSOR, the default is `'running'`. @default 'after-exit'
   */
  successor?: 'after-exit' | 'running' | undefined
  /**
   * What happens to idle connections when the process shuts down. `'auto'`: they are handed over to the
   * next process if there will be one (`socket-port run`; systemd's fd store, at a restart), and their
   * clients see no close. Otherwise each is kept until its keep-alive promise ends (see `idleTimeout`).
   * `'promise'`: each is kept until then in any case. `'handover'`: like `'auto'`, but systemd is not
   * asked whether a next process starts, so one must start after every stop. @default 'auto'
   */
  idle?: 'auto' | 'promise' | 'handover' | undefined
  /**
   * The code with which each WebSocket is closed (RFC 6455, 7.4): 1001, "going away", 1012, "service restart",
   * or another one that a server may send: 1000 to 1014 but for 1004 to 1006, and 3000 to 4999. `false`: the
   * program closes its WebSockets itself, for example when `signal` aborts. @default 1001
   */
  webSocketCode?: number | false | undefined
  /**
   * How long a client that was asked to leave has to answer: with its own close frame, or by reading the end of an
   * event stream. Then its connection is destroyed; of an HTTP/2 session only the stream. @default 2000
   */
  closeGrace?: number | undefined
  /**
   * The time over which the ends of WebSockets and event streams are spread, so that their clients do not all
   * connect again at the same moment. One ends every 20 milliseconds where they are few, so 10 take a fifth of a
   * second. 0: all at once. At most half of `timeout` is used. Those that open during the drain
   * end within 200 milliseconds once accepting has stopped. @default 2000
   */
  spread?: number | undefined
  /**
   * A response that is still being sent so many milliseconds after the drain has begun, or after its request where that
   * came later, is ended like an event stream, with a proper last chunk: for endless responses of another type than
   * `text/event-stream`. The client cannot tell that from a complete response, so set it above the time that your
   * longest one takes. A response with a `Content-Length` is never ended so. A call of gRPC ends with the status
   * UNAVAILABLE. @default never
   */
  streamTimeout?: number | undefined
}

/** What answers the probes of a load balancer, or of Kubernetes. At least one path must be given. */
export interface ProbeOptions {
  /**
   * The path that answers 200 while the server is ready, and 503 from the moment when its drain begins: before
   * `drain.delay`, and before the first connection is closed. While the next process serves already (a reload of
   * `socket-port run`), it stays 200. @default not answered
   */
  ready?: string | undefined
  /** The path that answers 200 as long as the process answers at all, also while it drains. @default not answered */
  live?: string | undefined
  /**
   * A port of its own for the probes, in plain HTTP: an inherited socket of exactly this address, or one that is
   * bound here. It stays open until the process ends. A server then listens a moment after the call of `listen`, when
   * this port is open. @default the server itself answers, before its program
   */
  port?: number | string | undefined
  /** Address or host name for `port`. @default every address */
  host?: string | undefined
}

export interface ServeOptions extends ListenOptions {
  drain?: DrainOptions | undefined
  /**
   * Answer GET and HEAD on these paths with the state of the server. The program does not see these requests.
   * Other methods and paths are for the program. @default no path
   */
  probes?: ProbeOptions | undefined
  /**
   * Signals that start the drain. SIGINT on a terminal (Ctrl-C) starts its quick form; so do both signals
   * under `node --watch`, `tsx watch` and nodemon. @default ['SIGTERM', 'SIGINT']
   */
  signals?: readonly ShutdownSignal[] | false | undefined
  /** End the process when everything is drained and the hooks have run. @default true */
  exit?: boolean | undefined
  /**
   * End the process, as SIGTERM does, when its servers have had no connection for this many
   * milliseconds. The manager starts it again for the next connection. It needs a socket that a manager
   * opened, such as a systemd `.socket` unit, and every server of the process must have the option.
   * @default never
   */
  idleExit?: number | undefined
  /**
   * Report this server to the manager of the process (`Type=notify`, sd_notify(3)): READY=1 when it
   * listens, STOPPING=1 and the progress of the drain, requests for more time, and the keep-alives of
   * the watchdog. Costs nothing where `NOTIFY_SOCKET` is not set. @default true
   */
  notify?: boolean | undefined
}

export type ShutdownSignal = 'SIGTERM' | 'SIGINT'

/** Why the process shuts down: a signal, a call of `shutdown()`, or nothing to do (`idleExit`). */
export type ShutdownReason = ShutdownSignal | 'shutdown' | 'idle'

/** One message to the manager; at least one property must be set. */
export interface NotifyMessage {
  /** The process has started, or reloaded, and serves (`READY=1`). */
  ready?: boolean | undefined
  /** It reloads its configuration (`RELOADING=1`, with the time); `ready` must follow. */
  reloading?: boolean | undefined
  /** It is about to end (`STOPPING=1`). This is final: no `ready` may follow. */
  stopping?: boolean | undefined
  /** The text that `systemctl status` shows. It is put on one line and cut to 1024 bytes. */
  status?: string | undefined
  /** Makes another process the main process of the service (`MAINPID`). */
  mainPid?: number | undefined
  /** The errno(3) number of a failure, 1–4095 (`ERRNO`). */
  errno?: number | undefined
  /**
   * Extend the current start, reload or stop to this many milliseconds from now. It matters only after
   * the manager's own time-out has passed (`EXTEND_TIMEOUT_USEC`).
   */
  extendTimeout?: number | undefined
  /** A keep-alive; `'trigger'` reports a failure (`WATCHDOG`). */
  watchdog?: boolean | 'trigger' | undefined
  /** Sets the watchdog time-out to this many milliseconds (`WATCHDOG_USEC`). */
  watchdogTimeout?: number | undefined
  /** Further assignments, for managers that know them. Each name starts with `X_`. */
  fields?: Readonly<Record<string, string>> | undefined
}

export interface NotifyOptions {
  /** Receives warnings. @default warnings and errors to stderr, the rest through `NODE_DEBUG=socket-port` */
  logger?: Logger | undefined
}

/** The kinds of connections that do not end by themselves, as {@link DrainResult} counts them. */
export type LongLivedKind = 'webSockets' | 'eventStreams' | 'tunnels'

/** What became of connections of one kind that do not end by themselves. */
export interface EndedCounts {
  /** Ended as their protocol says, by this process, the program or the client. */
  closed: number
  /** Handed over to the next process. */
  handedOver: number
  /** Destroyed at the deadline, by a second signal, or because the client took nothing more. */
  cut: number
}

/** What happened to the connections that were open when the drain began, or that came during it. */
export interface DrainResult {
  /** No connection was destroyed by force. */
  graceful: boolean
  /** Requests answered while draining. */
  served: number
  /** Idle connections that were handed over to the next process. */
  handedOver: number
  /** Idle connections that were closed when their keep-alive promise ended. */
  expired: number
  /**
   * Connections of any kind that were destroyed at the deadline, by a second signal, or after `drain.closeGrace`; after
   * the grace also single streams of HTTP/2.
   */
  forced: number
  /** WebSockets of RFC 6455, and over HTTP/2 of RFC 8441. */
  webSockets: EndedCounts
  /** Event streams, and responses that were ended after `drain.streamTimeout`. */
  eventStreams: EndedCounts
  /** CONNECT tunnels, and upgrades to other protocols. */
  tunnels: EndedCounts
  /** From the start of the drain to the end of the last connection, in milliseconds. */
  duration: number
}

export type DrainState = 'ready' | 'draining' | 'closed'

/** The drain of one server, for programs that have their own shutdown. */
export interface Drain {
  readonly state: DrainState
  /** Open connections, TLS handshakes included. */
  readonly connections: number
  /**
   * Aborted when the drain starts. If a program listens to it, it must end its event streams itself; otherwise the
   * drain ends them.
   */
  readonly signal: AbortSignal
  /**
   * Drains the server; every call returns the promise of the first. `quick` closes idle
   * connections, WebSockets and event streams at once; requests in flight have 3 seconds to finish.
   *
   * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, ERR_SOCKET_PORT_UNKNOWN_OPTION; nothing
   * has been drained then
   */
  start(options?: { quick?: boolean }): Promise<DrainResult>
  /** Destroys every open connection now. */
  force(): void
}

export interface Service<S extends AnyServer = AnyServer> extends AsyncDisposable {
  readonly server: S
  /** The origin of the listening socket. */
  readonly source: 'inherited' | 'bound'
  /** Like `server.address()`, but an inherited unix socket has its path, too. */
  readonly address: AddressInfo | string
  /** The port in use, also when port 0 was asked for; `undefined` for a unix socket. */
  readonly port: number | undefined
  /** For messages and logs: `http://localhost:8080`, `unix:/run/app.sock`. */
  readonly url: string
  /** `'ready'` until a drain starts. A readiness probe can answer from it. */
  readonly state: DrainState
  /**
   * Aborted when the drain starts. If a program listens to it, it must end its event streams itself; otherwise the
   * drain ends them.
   */
  readonly signal: AbortSignal
  /**
   * Drains and closes; every call returns the result of the first. `quick` closes idle connections, WebSockets and
   * event streams at once, and gives requests in flight 3 seconds. Neither form runs the shutdown hooks or ends the
   * process.
   *
   * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, ERR_SOCKET_PORT_UNKNOWN_OPTION; the server
   * goes on then
   */
  close(options?: { quick?: boolean }): Promise<DrainResult>
}

/** One socket that was passed to this process. */
export interface InheritedSocket {
  fd: number
  /** Its name in LISTEN_FDNAMES; `'unknown'` if the manager gave none (sd_listen_fds(3)). */
  name: string
  family: 'IPv4' | 'IPv6' | 'unix' | undefined
  address: string | undefined
  port: number | undefined
  /** The path of a unix socket. An abstract name starts with `'@'`. */
  path: string | undefined
  ipv6Only: boolean | undefined
  listening: boolean
  /** The limit of the accept queue, if the kernel reports it. */
  backlog: number | undefined
  /** Connections that wait to be accepted, if the kernel reports it. */
  queueLength: number | undefined
  /** A listener of this process has taken it. */
  taken: boolean
  /** An earlier process of the service bound it and put it into the manager's fd store (`fdStore`). */
  stored: boolean
  /** Why it cannot be used, such as that it is not a listening stream socket. */
  problem: string | undefined
}
