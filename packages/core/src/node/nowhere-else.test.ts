import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = join(import.meta.dirname, '..')

// What Node does not document: names that begin with an underscore, symbols that Node keeps to itself, and
// what hangs on a parser or a handle without such a name.
const INTERNAL = [
  /(?<![\w$])_[a-z]\w*/,
  /\b(ownSymbol|getOwnPropertySymbols)\b/,
  /\bprocess\.binding\b/,
  /\bk[A-Z]\w*(Connections|Handle|Socket|Session|Buffer)\b/,
  /\b(onconnection|getpeername|writeQueueSize|getCurrentBuffer)\b/,
  /\bhttp\.server\.connections/,
  /(\.|\{ ?)parser\b/,
  /'(encrypted|handle)' in /,
  /\bhandle\.constructor\b/,
]

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !/\.test\.ts$|^testing\//.test(file),
)

const withoutComments = (text: string): string =>
  text.replace(/\/\*.*?\*\//gs, '').replace(/(^|\s)\/\/.*/g, '')

const internalsIn = (file: string): string[] => {
  const code = withoutComments(readFileSync(join(SRC, file), 'utf8'))
  return INTERNAL.flatMap((pattern) => code.match(pattern)?.[0] ?? [])
}

describe('Node’s internals', () => {
  it('are used in the room node/, and in no other', () => {
    const elsewhere = sources
      .filter((file) => !file.startsWith('node/'))
      .flatMap((file) => internalsIn(file).map((name) => `${file}: ${name}`))
    expect(elsewhere).toEqual([])
  })

  it.each([
    'http-parser.ts',
    'http-response.ts',
    'request-timeouts.ts',
    'take-connection.ts',
    'tcp-handle.ts',
    'tls-socket.ts',
  ])('are found in %s, so the test above can fail', (file) => {
    expect(internalsIn(`node/${file}`)).not.toEqual([])
  })
})
