import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const DRAIN = join(import.meta.dirname, '..')

// These decide by what a protocol says of a connection. `connections.ts` alone knows which servers have their
// connections listed by Node.
const sources = readdirSync(DRAIN, { recursive: true, encoding: 'utf8' }).filter(
  (file) =>
    /(?<!\.test)\.ts$/.test(file) && !file.startsWith('protocols/') && file !== 'connections.ts',
)

it('the drain has no branch on a protocol or on a kind of server', () => {
  expect(sources).toContain('drain-run.ts')
  expect(sources).toContain(join('idle', 'transfer.ts'))
  const imported = sources.flatMap((file) =>
    [...readFileSync(join(DRAIN, file), 'utf8').matchAll(/ from '([^']*\/)?([^'/]+)\.ts'/g)]
      .map(([, , name = '']) => name)
      .filter((name) =>
        /^(server-kind|http.*|tls-socket|upgraded.*|web-socket|outgoing-frames|handshake|tcp|event-stream|endless-responses|engine-io)$/.test(
          name,
        ),
      )
      .map((name) => `${file} imports ${name}.ts`),
  )
  expect(imported).toEqual([])
  const inText = sources.filter((file) =>
    /is(Http1|Http2|Tls)|' in (this\.#)?server/.test(readFileSync(join(DRAIN, file), 'utf8')),
  )
  expect(inText).toEqual([])
})
