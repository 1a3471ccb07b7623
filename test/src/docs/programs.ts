import { freePort } from '@socket-port/testkit/native'
import { readRoot } from './documents.ts'
import { type CodeBlock, codeBlocks } from './markdown.ts'

/** A block of JavaScript or TypeScript in a document. */
export interface Program {
  /** `README.md:12` */
  readonly where: string
  /** For a file: `README-md-12`. */
  readonly name: string
  readonly language: 'js' | 'ts'
  readonly code: string
  /** The text block that stands after it: what it prints on a cold start. */
  readonly output: string | undefined
}

/** Ports that stand in the docs; each run replaces them by free ones. */
export const DOCUMENTED_PORTS: RegExp = /\b(?:8080|8443|9090)\b/g

/** The port of a second server, which needs one of its own. */
const SECOND_PORT: RegExp = /\b9100\b/g

/** The programs of a document, each complete but for what `fixtures/docs/prelude.mjs` gives. */
export function programsOf(document: string): Program[] {
  return codeBlocks(readRoot(document))
    .filter(isProgram)
    .map(({ language, code, line, next }) => ({
      where: `${document}:${line}`,
      name: `${document.replace(/\W+/g, '-')}-${line}`,
      language,
      code,
      output: next?.language === 'text' ? next.code : undefined,
    }))
}

const isProgram = (block: CodeBlock): block is CodeBlock & Pick<Program, 'language'> =>
  block.language === 'js' || block.language === 'ts'

/** The source with a port for those of the docs, and a free one for that of a second server. */
export const withPorts = (source: string, port: number): string =>
  source.replace(DOCUMENTED_PORTS, String(port)).replace(SECOND_PORT, () => String(freePort()))

/** How many servers listen by the time the program is up. */
export const serversOf = ({ code }: Program): number => [...code.matchAll(LISTENS)].length

const LISTENS = /(?<![.\w])(?:(?:serve|listen|attach)|app\.listen)\(/g

/** True where the program closes what it opened: it ends without a signal. */
export const endsByItself = (program: Program): boolean =>
  serversOf(program) === 0 ||
  /\.close\(\)|await using/.test(program.code.replaceAll(/ \/\/ .*/g, ''))

/** True where SIGTERM is heeded, so that the program ends with a code. */
export const drains = ({ code }: Program): boolean =>
  /(?<![.\w])(?:serve|attach|app\.listen)\(|SIGTERM/.test(code)

/** True where a passed socket is the program's to use, and not a free port that it asks for. */
export const inherits = ({ code }: Program): boolean =>
  !/killPort\(|'node:test'|port: 0\b/.test(code)

/** True where the program starts without one, and has nothing to warn of. */
export const binds = ({ code }: Program): boolean => !/inherit: 'require'|idleExit/.test(code)

/** What is to be asked for, of each of its servers. */
export const pathsOf = ({ code }: Program): string[] => {
  const paths = [...code.matchAll(ROUTE)].map(([, path = '']) => path)
  return paths.length === 0 ? ['/'] : paths
}

const ROUTE = /(?:\.get\(|(?:path|url) === )'([^']+)'/g

/** True where the application has no handler: its framework says 404. */
export const isBare = ({ code }: Program): boolean =>
  /\bapp\.listen\(/.test(code) && !/\bapp\.(?:get|use)\(|AppModule/.test(code)

/** The program for CommonJS, where `import x from 'y'` is `const x = require('y')`. */
export function asCommonJs(code: string): string {
  const body = code.replace(/^import (.+) from ('.+')$/gm, 'const $1 = require($2)')
  return `(async () => {\n${body}})()\n`
}

/** The name of the socket that the program asks for. */
export const socketName = ({ code }: Program): string | undefined => /name: '(\w+)'/.exec(code)?.[1]
