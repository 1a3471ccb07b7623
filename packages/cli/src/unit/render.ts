import { commandWord, environmentWord, plainValue } from './escape.ts'
import { hardening } from './harden.ts'
import { timeSpan } from './time-span.ts'

/** Who keeps the socket: a .socket unit, systemd's fd store, or `socket-port run`. */
export type Way = 'socket' | 'store' | 'run'

export interface UnitJob {
  way: Way
  /** Of the units, without a suffix. */
  name: string
  /** The program, an absolute path. */
  entry: string
  /** Where it starts, an absolute path. */
  folder: string
  port: number
  /** Whose rights it has. @default a user that exists while the service runs */
  user: string | undefined
  /** Absolute paths of node and of the socket-port command. */
  node: string
  command: string
  /** Where files lie that the service must see, besides the paths above: what links lead to. */
  targets: readonly string[]
  envFiles: readonly string[]
  /** Milliseconds; 0 for none. */
  watchdog: number
}

export interface UnitFile {
  name: string
  content: string
}

/** Returns the unit files that run a program in one of the ways. */
export function renderUnits(job: UnitJob): UnitFile[] {
  const service = { name: `${job.name}.service`, content: serviceUnit(job) }
  if (job.way !== 'socket') return [service]
  return [{ name: `${job.name}.socket`, content: socketUnit(job) }, service]
}

/** The files that the units name, and that the service must be able to read. */
export const namedPaths = ({ way, entry, node, command }: UnitJob): string[] =>
  way === 'run' ? [entry, node, command] : [entry, node]

/** The units that are to be enabled, for `systemctl enable --now`. */
export const enabledUnits = ({ way, name }: UnitJob): string =>
  way === 'socket' ? `${name}.socket ${name}.service` : `${name}.service`

function socketUnit({ name, port }: UnitJob): string {
  return unit({
    Unit: [`Description=Socket of ${name}`],
    Socket: [
      '# A port alone is one dual-stack socket: IPv6 and IPv4.',
      `ListenStream=${port}`,
      `FileDescriptorName=${name}`,
    ],
    Install: ['WantedBy=sockets.target'],
  })
}

function serviceUnit(job: UnitJob): string {
  const { way, name, folder, port, user, envFiles, watchdog } = job
  const paths = [...namedPaths(job), ...job.targets]
  return unit({
    Unit: [
      `Description=${plainValue(name)}`,
      ...(way === 'socket' ? [`Requires=${name}.socket`, `After=${name}.socket`] : []),
      '# A few crashes in a row would else fail the service for good, and close the port.',
      'StartLimitIntervalSec=0',
    ],
    Service: [
      ...startLines(job),
      // One that leaves because nobody comes is started by the next client, where there is a .socket.
      `Restart=${way === 'socket' ? 'on-failure' : 'always'}`,
      'RestartSec=100ms',
      ...watchdogLines(watchdog),
      `Environment=NODE_ENV=production ${environmentWord(`PORT=${port}`)}`,
      ...envFiles.map((file) => `EnvironmentFile=${plainValue(file)}`),
      `WorkingDirectory=${plainValue(folder)}`,
      '# What the program may not do. @pkey is left to it: without, V8 of Node 20 is ended by SIGSYS.',
      user === undefined ? 'DynamicUser=yes' : `User=${plainValue(user)}`,
      `# For files of its own, in /var/lib/${name}: StateDirectory=${name}`,
      ...hardening({ paths, privilegedPort: way !== 'socket' && port < 1024 }),
    ],
    Install: ['WantedBy=multi-user.target'],
  })
}

function watchdogLines(watchdog: number): string[] {
  if (watchdog === 0) return []
  const comment =
    '# The event loop reports in half of this time; one that is blocked for longer is restarted.'
  return [comment, `WatchdogSec=${timeSpan(watchdog)}`]
}

const RESTART_SIGNAL = 'SIGUSR2'

// How a service ends that nobody supervises but systemd.
const stopLines: readonly string[] = [
  '# A restart has a signal of its own. By it the program knows that a next process comes, which',
  '# DynamicUser= may not ask systemd.',
  `RestartKillSignal=${RESTART_SIGNAL}`,
  `SuccessExitStatus=${RESTART_SIGNAL}`,
  `Environment=SOCKET_PORT_RESTART_SIGNAL=${RESTART_SIGNAL}`,
  '# The signal goes to the main process alone: it may need its child processes to answer requests.',
  'KillMode=mixed',
  '# Longer than the 25 s after which the drain ends by force.',
  'TimeoutStopSec=30s',
]

function startLines({ way, name, entry, port, node, command }: UnitJob): string[] {
  const program = [node, entry].map(commandWord).join(' ')
  if (way !== 'run') {
    const kept = way === 'socket' ? 'idle connections' : 'the socket and idle connections'
    return [
      'Type=notify',
      '# node itself: a program in between (npm start, tsx) would lose the socket.',
      `ExecStart=${program}`,
      `# systemd keeps ${kept} for the next process: no client sees a restart.`,
      ...(way === 'store'
        ? ['# The program must ask for it: serve(server, { port, fdStore: true }).']
        : []),
      'FileDescriptorStoreMax=16',
      ...stopLines,
    ]
  }
  // Without the `--`, Node would take an --env-file that somebody adds behind it for its own.
  const own = [node, '--', command].map(commandWord).join(' ')
  // systemd's own: %t is /run, or that of the user.
  const control = `%t/${name}/control.sock`
  return [
    'Type=notify',
    `ExecStart=${own} run --listen ${port} --control ${control} -- ${program}`,
    '# Fails, and says why, where the new process does; with Type=notify-reload it would succeed.',
    `ExecReload=${own} reload --control ${control}`,
    '# SIGTERM goes to socket-port run alone, which then stops the program in its own time. With',
    '# control-group, the default, systemd would send it to the program too.',
    'KillMode=mixed',
    '# Longer than the 30 s that socket-port run gives a process to drain.',
    'TimeoutStopSec=40s',
    `RuntimeDirectory=${name}`,
  ]
}

const unit = (sections: Record<string, readonly string[]>): string =>
  Object.entries(sections)
    .map(([title, lines]) => `[${title}]\n${lines.join('\n')}\n`)
    .join('\n')
