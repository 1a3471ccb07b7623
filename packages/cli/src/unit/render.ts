import { dirname } from 'node:path'
import { commandWord, environmentWord, plainValue } from './escape.ts'
import { hardening } from './harden.ts'
import { timeSpan } from './time-span.ts'

/** What keeps the socket: a .socket unit, the fd store of systemd, or `socket-port run`. */
export type Way = 'socket' | 'store' | 'run'

export interface UnitJob {
  way: Way
  /** The name of the units, without a suffix. */
  name: string
  /** The program, an absolute path. */
  entry: string
  /** Node runs `entry`. Otherwise it is a command that starts the program, such as npm. */
  byNode: boolean
  /** The arguments of `entry`. */
  words: readonly string[]
  /** The working directory of the program, an absolute path. */
  folder: string
  /** That path has a symlink in it, which may lead to another release at each reload. */
  linked: boolean
  port: number
  /** The user of the service. @default a user that exists while the service runs */
  user: string | undefined
  /** Absolute paths of node and of the socket-port command. */
  node: string
  command: string
  /** The paths above with their symlinks resolved; the service must be able to see those too. */
  targets: readonly string[]
  /** The path of the preload, for `--register`. */
  preload: string | undefined
  envFiles: readonly string[]
  /** Node 22.1 and later keep compiled code for the next start. */
  compileCache: boolean
  /** Milliseconds; 0 for none. */
  watchdog: number
}

export interface UnitFile {
  name: string
  content: string
}

/** Returns the unit files that run a program in the chosen way. */
export function renderUnits(job: UnitJob): UnitFile[] {
  const service = { name: `${job.name}.service`, content: serviceUnit(job) }
  if (job.way !== 'socket') return [service]
  return [{ name: `${job.name}.socket`, content: socketUnit(job) }, service]
}

/** The files that the units name, and that the service must be able to read. */
export function namedPaths({
  way,
  entry,
  byNode,
  node,
  command,
  folder,
  preload,
}: UnitJob): string[] {
  const paths = [entry, node, way === 'run' ? command : (preload ?? node)]
  // A command reads files of its folder, such as package.json.
  if (!byNode) paths.push(folder)
  return [...new Set(paths)]
}

/** The units to enable, for `systemctl enable --now`. */
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
      '# Otherwise a few crashes in a row fail the service for good, and close the port.',
      'StartLimitIntervalSec=0',
    ],
    Service: [
      ...startLines(job),
      // A program with idleExit ends with 0 when it has no clients; its .socket unit starts it again.
      `Restart=${way === 'socket' ? 'on-failure' : 'always'}`,
      'RestartSec=100ms',
      ...watchdogLines(watchdog),
      `Environment=NODE_ENV=production ${environmentWord(`PORT=${port}`)}`,
      ...pathLines(job),
      ...cacheLines(job),
      ...envFiles.map((file) => `EnvironmentFile=${plainValue(file)}`),
      `WorkingDirectory=${plainValue(folder)}`,
      '# The program may do what it needs and no more. Without @pkey, SIGSYS ends V8 of Node 20.',
      user === undefined ? 'DynamicUser=yes' : `User=${plainValue(user)}`,
      `# To keep files in /var/lib/${name}, add StateDirectory=${name}`,
      ...hardening({ paths, privilegedPort: way !== 'socket' && port < 1024 }),
    ],
    Install: ['WantedBy=multi-user.target'],
  })
}

// The PATH that systemd sets (DEFAULT_PATH in src/basic/path-util.h).
const PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

function pathLines({ entry, byNode, node }: UnitJob): string[] {
  if (byNode) return []
  const own = [...new Set([dirname(node), dirname(entry)])].filter((one) => !PATH.includes(one))
  if (own.length === 0) return []
  return [
    '# Scripts find node by the PATH.',
    `Environment=${environmentWord(`PATH=${[...own, ...PATH].join(':')}`)}`,
  ]
}

function cacheLines({ name, compileCache }: UnitJob): string[] {
  if (!compileCache) return []
  return [
    '# Node 22.1 and later keep compiled code here for the next start. Only this service can write there.',
    `CacheDirectory=${name}`,
    'CacheDirectoryMode=0700',
    // %C is /var/cache, or the cache directory of the user (systemd.unit(5)).
    `Environment=NODE_COMPILE_CACHE=%C/${name}`,
  ]
}

function watchdogLines(watchdog: number): string[] {
  if (watchdog === 0) return []
  const comment = '# A program whose event loop is blocked for longer than this is restarted.'
  return [comment, `WatchdogSec=${timeSpan(watchdog)}`]
}

const RESTART_SIGNAL = 'SIGUSR2'

// The stop of a service that systemd itself supervises.
const stopLines: readonly string[] = [
  '# A restart has its own signal, which tells the program that a next process comes. With',
  '# DynamicUser=, the program may not ask systemd.',
  `RestartKillSignal=${RESTART_SIGNAL}`,
  `SuccessExitStatus=${RESTART_SIGNAL}`,
  `Environment=SOCKET_PORT_RESTART_SIGNAL=${RESTART_SIGNAL}`,
  '# Only the main process gets the signal: it may need its child processes to answer requests.',
  'KillMode=mixed',
  '# Longer than the 25 s after which a drain is forced to end.',
  'TimeoutStopSec=30s',
]

// With the preload, the signal listeners of the program end the process, with an exit code of their own.
const ownEndLines: readonly string[] = [
  '# The code that shells, Next.js and others use for an end by SIGTERM.',
  'SuccessExitStatus=143',
]

// The preload is loaded by `--require`, not by NODE_OPTIONS, which every process that the program starts would inherit.
function programLine({ way, node, entry, byNode, words, preload }: UnitJob): string {
  const loads = preload === undefined || way === 'run' ? [] : ['--require', preload]
  return [...(byNode ? [node, ...loads] : []), entry, ...words].map(commandWord).join(' ')
}

function storeLines({ way, preload }: UnitJob): string[] {
  if (way !== 'store') return []
  return preload === undefined
    ? ['# The program must request it: serve(server, { port, fdStore: true }).']
    : ['Environment=SOCKET_PORT_REGISTER_FD_STORE=1']
}

function runOptions(job: UnitJob, control: string): string {
  const { port, preload, compileCache, folder, linked } = job
  const options = ['--listen', port, '--control', control]
  // WorkingDirectory= is resolved once, when socket-port run starts.
  if (linked) options.push('--cwd', commandWord(folder))
  if (preload !== undefined) options.unshift('--register')
  if (!compileCache) options.push('--no-compile-cache')
  return options.join(' ')
}

function startLines(job: UnitJob): string[] {
  const { way, name, node, command } = job
  const program = programLine(job)
  if (way !== 'run') {
    const kept = way === 'socket' ? 'idle connections' : 'the socket and idle connections'
    return [
      'Type=notify',
      '# Start node itself: a program in between (npm start, tsx) would lose the socket.',
      `ExecStart=${program}`,
      `# systemd keeps ${kept} for the next process, so clients do not notice a restart.`,
      ...storeLines(job),
      'FileDescriptorStoreMax=16',
      ...stopLines,
      ...(job.preload === undefined ? [] : ownEndLines),
    ]
  }
  // Without `--`, Node itself would read an --env-file that is added later.
  const own = [node, '--', command].map(commandWord).join(' ')
  // %t is /run, or the runtime directory of the user (systemd.unit(5)).
  const control = `%t/${name}/control.sock`
  return [
    'Type=notify',
    `ExecStart=${own} run ${runOptions(job, control)} -- ${program}`,
    '# The reload fails, with the reason, when the new process fails; Type=notify-reload always succeeds.',
    `ExecReload=${own} reload --control ${control}`,
    '# Only socket-port run gets SIGTERM, and then stops the program itself. With control-group, the',
    '# default, systemd would send SIGTERM to the program too.',
    'KillMode=mixed',
    '# Longer than the 30 s in which socket-port run lets a process drain.',
    'TimeoutStopSec=40s',
    `RuntimeDirectory=${name}`,
  ]
}

const unit = (sections: Record<string, readonly string[]>): string =>
  Object.entries(sections)
    .map(([title, lines]) => `[${title}]\n${lines.join('\n')}\n`)
    .join('\n')
