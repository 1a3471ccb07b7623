import { type Generation, startGeneration } from '../generation.ts'

export interface ActivateOptions {
  /** Addresses as `ListenStream=` has them: `[::]:8080`, `127.0.0.1:8080`, `/run/web.sock`. */
  listen: readonly string[]
  /** `LISTEN_FDNAMES`, in the order of `listen`. */
  names?: readonly string[]
  command: readonly [file: string, ...args: string[]]
  /** Variables of the command, beside PATH and HOME. */
  env?: Readonly<Record<string, string>>
}

/** Runs systemd-socket-activate, which listens at once, and executes `command` at the first connection. */
export async function socketActivate(options: ActivateOptions): Promise<Generation> {
  const { listen, names = [], command, env = {} } = options
  const flags = [
    ...listen.map((address) => `--listen=${address}`),
    ...names.map((name) => `--fdname=${name}`),
    ...Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`),
  ]
  const generation = startGeneration({
    command: ['systemd-socket-activate', ...flags, ...command],
    inherit: 'none',
  })
  await new Promise<void>((resolve, reject) => {
    generation.child.stderr?.on('data', () => {
      if (generation.stderr.split('Listening on ').length > listen.length) resolve()
    })
    generation.exit.then(() => reject(new Error(`It never listened: ${generation.stderr}`)))
  })
  return generation
}
