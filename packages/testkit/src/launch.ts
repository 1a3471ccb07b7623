/** Whether `LISTEN_PID` is set, and names the process; with `none`, no socket is passed. */
export type Inherit = 'pid' | 'no-pid' | 'none'

export interface PassedSocket {
  readonly fd: number
  /** Its name in `LISTEN_FDNAMES`. If only other sockets have names, it is called `unknown`. */
  readonly name?: string
}

export interface GenerationOptions {
  /** The program and its arguments. Give this or `script`. */
  command?: readonly string[]
  /** A script for `execPath`. */
  script?: string
  args?: readonly string[]
  /** The sockets that become fd 3 and up. @default [] */
  sockets?: readonly PassedSocket[]
  /** @default 'pid', or 'none' without sockets */
  inherit?: Inherit
  /** Variables to set beside PATH and HOME. No other variable of this process is passed. */
  env?: Readonly<Record<string, string>>
  /** The Node binary that runs `script`. @default process.execPath */
  execPath?: string
  cwd?: string
  /** Opens an IPC channel after the sockets (`child.send`, `child.on('message')`). @default false */
  ipc?: boolean
}

export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** What becomes fd 3 and up. */
  readonly fds: readonly number[]
}

/** Returns the command line, the environment and the fds that the options stand for. */
export function launch(options: GenerationOptions): Launch {
  const { sockets = [], inherit = sockets.length > 0 ? 'pid' : 'none' } = options
  const passed = inherit === 'none' ? [] : sockets
  const variables = inherit === 'none' ? {} : listenVariables(passed)
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...variables, ...options.env }
  return { ...commandLine(options, inherit), env, fds: passed.map((socket) => socket.fd) }
}

function commandLine(options: GenerationOptions, inherit: Inherit): Pick<Launch, 'file' | 'args'> {
  const { command, script, args = [], execPath = process.execPath } = options
  const line = command ?? (script === undefined ? [] : [execPath, script])
  const [file, ...rest] = [...line, ...args]
  if (file === undefined) throw new Error('startGeneration: give a `command` or a `script`')
  if (inherit !== 'pid') return { file, args: rest }
  // The pid is known only after the fork; `exec` keeps it.
  return { file: '/bin/sh', args: ['-c', 'LISTEN_PID=$$ exec "$0" "$@"', file, ...rest] }
}

function listenVariables(sockets: readonly PassedSocket[]): NodeJS.ProcessEnv {
  const variables: NodeJS.ProcessEnv = { LISTEN_FDS: String(sockets.length) }
  if (sockets.some((socket) => socket.name !== undefined)) {
    variables.LISTEN_FDNAMES = sockets.map((socket) => socket.name ?? 'unknown').join(':')
  }
  return variables
}
