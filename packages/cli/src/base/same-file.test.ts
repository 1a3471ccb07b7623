import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { removeIfStillAt, statAt } from './same-file.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

it('removes the file, and no other one that has taken its path', () => {
  const path = join(directory, 'a')
  writeFileSync(path, '1')
  const first = statAt(path)
  writeFileSync(join(directory, 'b'), '2')
  removeIfStillAt(path, statAt(join(directory, 'b')))
  expect(statAt(path)).toEqual(first)
  removeIfStillAt(path, first)
  expect(statAt(path)).toBeUndefined()
  removeIfStillAt(path, first)
})

it('leaves what cannot be removed, and throws nothing', () => {
  // A directory stands for a file whose removal fails for root too.
  expect(() => removeIfStillAt(directory, statAt(directory))).not.toThrow()
  expect(statAt(directory)).toBeDefined()
})
