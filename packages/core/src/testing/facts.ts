import type { InheritedSocket, ServeOptions } from '../base/types.ts'
import type { Facts, ServiceUnit, SocketUnit } from '../diagnose/rules/facts.ts'
import type { Listening } from '../listen/listening-servers.ts'
import { resolveServe } from '../service/options.ts'

export const PID = 40

/** A service without a fault. */
export const service = (changes: Partial<ServiceUnit> = {}): ServiceUnit => ({
  id: 'app.service',
  loaded: true,
  active: 'active',
  result: 'success',
  type: 'notify',
  notifyAccess: 'main',
  mainPid: PID,
  killMode: 'control-group',
  command: '/usr/bin/node /srv/app.js',
  fdStoreMax: 0,
  stopTimeout: 90_000,
  watchdog: 0,
  restart: 'on-failure',
  restartDelay: 1_000,
  restarts: 0,
  startLimit: { interval: 0, burst: 5 },
  triggeredBy: ['app.socket'],
  ...changes,
})

export const socketUnit = (changes: Partial<SocketUnit> = {}): SocketUnit => ({
  id: 'app.socket',
  loaded: true,
  active: 'active',
  result: 'success',
  listens: ['[::]:8080'],
  name: 'web',
  backlog: 4096,
  accept: false,
  triggers: ['app.service'],
  ...changes,
})

export const socket = (changes: Partial<InheritedSocket> = {}): InheritedSocket => ({
  fd: 3,
  name: 'web',
  family: 'IPv6',
  address: '::',
  port: 8080,
  path: undefined,
  ipv6Only: false,
  listening: true,
  backlog: 4096,
  queueLength: 0,
  taken: true,
  stored: false,
  problem: undefined,
  ...changes,
})

/** A server that inherits fd 3. */
export const listening = (
  options: ServeOptions = { port: 8080 },
  changes: Partial<Listening> = {},
): Listening => ({
  request: resolveServe(options),
  source: 'inherited',
  fd: 3,
  address: { family: 'IPv6', address: '::', port: 8080 },
  ...changes,
})

/** A server that was bound here. */
export const bound = (options: ServeOptions): Listening =>
  listening(options, { source: 'bound', fd: undefined })

/** A process of app.service that got its socket and serves it. */
export const facts = (changes: Partial<Facts> = {}): Facts => ({
  seen: 'process',
  self: { pid: PID, command: 'node app.js', start: '/usr/bin/node /srv/app.js' },
  starter: {
    kind: 'systemd',
    pid: 1,
    unit: 'app.service',
    user: false,
    version: '252',
    wrappers: [],
  },
  ancestors: [{ pid: 1, command: 'systemd' }],
  environment: { LISTEN_FDS: '1', LISTEN_PID: String(PID), NOTIFY_SOCKET: '/run/systemd/notify' },
  asking: undefined,
  refusal: undefined,
  notifyProblems: [],
  clusterWorker: false,
  sockets: [socket()],
  missing: 0,
  lostPaths: [],
  listeners: [listening()],
  service: service(),
  serviceAround: service(),
  socketUnits: [socketUnit()],
  somaxconn: 4096,
  ...changes,
})
