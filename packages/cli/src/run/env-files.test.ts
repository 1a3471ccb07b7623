import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readEnvFiles } from './env-files.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'socket-port-env-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function file(name: string, content: string): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

test('reads what node --env-file reads, and lets the last file win', async () => {
  const first = file('a.env', '# a comment\nPORT=8080\nNAME="two words"\nexport TOKEN=abc # note\n')
  const second = file('b.env', 'PORT=9090\nEMPTY=\n')
  expect(await readEnvFiles([first, second])).toEqual({
    PORT: '9090',
    NAME: 'two words',
    TOKEN: 'abc',
    EMPTY: '',
  })
  expect(await readEnvFiles([])).toEqual({})
})

test('reads a file again each time', async () => {
  const path = file('a.env', 'A=1')
  expect(await readEnvFiles([path])).toEqual({ A: '1' })
  file('a.env', 'A=2')
  expect(await readEnvFiles([path])).toEqual({ A: '2' })
})

test('names the file that cannot be read, and the repair', async () => {
  const path = join(dir, 'none.env')
  await expect(readEnvFiles([path])).rejects.toThrow(
    `the environment file '${path}' cannot be read (ENOENT). Correct --env-file, or create it`,
  )
})

test('refuses a pipe, which is empty when it is read again, and whose opening may wait for ever', async () => {
  const path = join(dir, 'pipe.env')
  execFileSync('mkfifo', [path])
  await expect(readEnvFiles([path])).rejects.toThrow(
    `the environment file '${path}' is a pipe or a socket, which cannot be read again at each reload`,
  )
  expect(await readEnvFiles(['/dev/null'])).toEqual({})
})
