import {
  type Generation,
  type GenerationOptions,
  type Ready,
  startGeneration,
} from '@socket-port/testkit/generation'
import { RawConnection } from '@socket-port/testkit/raw-connection'
import type { Form, Place } from './forms.ts'

/** What the conformance suite must know of a framework. */
export interface Framework {
  /** With its major: `Express 5`. */
  readonly name: string
  /** The server in `fixtures/frameworks`, without its suffix. */
  readonly fixture: string
  /** Packages that the server gets in another version, as `fixtures/frameworks/older.mjs` takes them. */
  readonly older?: Readonly<Record<string, string>>
  /** The ways to say where to listen. */
  readonly forms: readonly Form[]
  /** How a call of `listen` names a place. @default asArguments */
  readonly call?: (place: Place) => readonly unknown[]
  /** It has hooks of its own that run when it is closed. @default false */
  readonly closeHooks?: boolean
  /** It may be closed before it listens. @default true */
  readonly closesEarly?: boolean
  /** Fewer restarts under load, for one of several versions or platforms. @default false */
  readonly short?: boolean
  /** Whether the same server must lose requests without our package. @default false */
  readonly control?: boolean
}

/** One call of the framework's `listen`, and the options of our package for that server. */
export interface ListenCall {
  readonly arguments: readonly unknown[]
  readonly options?: Readonly<Record<string, unknown>>
}

/** What a server of the fixture reports. */
export interface Listening {
  readonly address: { port: number; address: string; family: string } | string
  readonly source: 'inherited' | 'bound'
  readonly name?: string
  /** What the framework itself tells, where it does. */
  readonly url?: string
}

export interface Report extends Ready {
  readonly servers: readonly Listening[]
}

const FIXTURES = new URL('../../fixtures/frameworks/', import.meta.url)

/** Command line and environment of the framework's server. */
export function fixtureOf(
  framework: Framework,
  env: Readonly<Record<string, string>>,
): { command: readonly string[]; env: Readonly<Record<string, string>> } {
  const { fixture, older } = framework
  const flags = older === undefined ? [] : ['--import', fileIn('older.mjs')]
  return {
    command: [process.execPath, ...flags, fileIn(`${fixture}.mjs`)],
    env: { ...(older && { OLDER: JSON.stringify(older) }), ...env },
  }
}

const fileIn = (name: string): string => new URL(name, FIXTURES).pathname

/** One process of the framework's server. */
export class Server {
  readonly process: Generation

  constructor(
    framework: Framework,
    calls: readonly ListenCall[],
    { env, ...options }: Pick<GenerationOptions, 'env' | 'sockets'> = {},
  ) {
    const fixture = fixtureOf(framework, { LISTEN: JSON.stringify(calls), ...env })
    this.process = startGeneration({ ...fixture, ...options })
  }

  async report(): Promise<Report> {
    return (await this.process.ready()) as Report
  }

  async open(): Promise<RawConnection> {
    const { port = 0 } = await this.process.ready()
    return RawConnection.open(port)
  }

  /** The words of the fixture so far, without the lines that the framework prints. */
  get words(): string[] {
    return this.process.stdout.split('\n').filter((line) => WORDS.has(line))
  }
}

/** What `fixtures/frameworks/shared.mjs` prints. */
const WORDS: ReadonlySet<string> = new Set(['draining', 'last', 'hook', 'closed'])
