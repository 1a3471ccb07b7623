import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = join(import.meta.dirname, '..')
const CLI = join(SRC, '../../cli/src')

// What Node does not document: names that begin with an underscore, symbols that Node keeps to itself, and
// what hangs on a parser or a handle without such a name.
const INTERNAL = [
  /(?<![\w$/])_[a-z]\w*/,
  /\b(ownSymbol|getOwnPropertySymbols)\b/,
  /\bprocess\.binding\b/,
  /\bk[A-Z]\w*(Connections|Handle|Socket|Session|Buffer)\b/,
  /\b(onconnection|getpeername|writeQueueSize|getCurrentBuffer)\b/,
  /\bhttp\.server\.connections/,
  /(\.|\{ ?)parser\b/,
  /'(encrypted|handle)' in /,
  /\bhandle\.constructor\b/,
]

const sourcesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/\.test\.ts$|^testing\//.test(file),
  )

const withoutComments = (text: string): string =>
  text.replace(/\/\*.*?\*\//gs, '').replace(/(^|\s)\/\/.*/g, '')

const internalsIn = (file: string, folder = SRC): string[] => {
  const code = withoutComments(readFileSync(join(folder, file), 'utf8'))
  return INTERNAL.flatMap((pattern) => code.match(pattern)?.[0] ?? [])
}

describe('Node’s internals', () => {
  it('are used in the room node/, and in no other', () => {
    const elsewhere = sourcesIn(SRC)
      .filter((file) => !file.startsWith('node/'))
      .flatMap((file) => internalsIn(file).map((name) => `${file}: ${name}`))
    expect(elsewhere).toEqual([])
  })

  it('are not used in the command', () => {
    const used = sourcesIn(CLI).flatMap((file) =>
      internalsIn(file, CLI).map((name) => `${file}: ${name}`),
    )
    expect(used).toEqual([])
  })

  it.each([
    'http-parser.ts',
    'http-response.ts',
    'http2-session.ts',
    'output-stream.ts',
    'request-timeouts.ts',
    'take-connection.ts',
    'tcp-handle.ts',
    'tls-socket.ts',
  ])('are found in %s, so the test above can fail', (file) => {
    expect(internalsIn(`node/${file}`)).not.toEqual([])
  })
})
