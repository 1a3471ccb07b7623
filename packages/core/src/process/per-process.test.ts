import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import { perProcess } from './per-process.ts'

const NAME = 'per-process-test/1'

afterEach(() => {
  Reflect.deleteProperty(globalThis, Symbol.for(`@socket-port/core/${NAME}`))
})

it('makes the value at the first call, and only then', () => {
  const make = vi.fn(() => ({}))
  const shared = perProcess<object>(NAME)
  expect(shared.current).toBeUndefined()
  const value = shared.get(make)
  expect(shared.get(make)).toBe(value)
  expect(shared.current).toBe(value)
  expect(make).toHaveBeenCalledOnce()
})

it('is shared by all copies of the package, and by those of one version alone', async () => {
  const value = perProcess<object>(NAME).get(() => ({}))
  vi.resetModules()
  const copy = await import('./per-process.ts')
  expect(copy.perProcess).not.toBe(perProcess)
  expect(copy.perProcess(NAME).current).toBe(value)
  expect(copy.perProcess('per-process-test/2').current).toBeUndefined()
})

it('is for the values that docs/architecture.md lists, and for no others', () => {
  const source = new URL('..', import.meta.url)
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  const text = files
    .filter((file) => /(?<!\.test)\.ts$/.test(file))
    .map((file) => readFileSync(new URL(file, source), 'utf8'))
    .join('\n')
  const values = [...text.matchAll(/perProcess<.+>\(\s*'([^']+)'/g)].map(([, name]) => name)
  // Marks on objects, which every copy must recognise.
  const marks = [...text.matchAll(/Symbol\.for\('@socket-port\/core\/([^']+)'/g)].map(
    ([, name]) => name,
  )
  const docs = new URL('../../../../docs/architecture.md', import.meta.url)
  const [, section = ''] = readFileSync(docs, 'utf8').split('\n## One per process\n')
  const [table = ''] = section.split('\n## ')
  const rows = [...table.matchAll(/^\| `@socket-port\/core\/(\S+)` \|/gm)].map(([, name]) => name)
  expect(rows.length).toBeGreaterThan(0)
  expect(rows.toSorted()).toEqual([...values, ...marks].toSorted())
})
