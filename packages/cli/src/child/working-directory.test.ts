import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { workingDirectory } from './working-directory.ts'

const { PWD } = process.env
let link = ''
let directory = ''

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'socket-port-')))
  link = join(directory, 'current')
})

afterEach(() => {
  rmSync(directory, { recursive: true })
  if (PWD === undefined) delete process.env.PWD
  else process.env.PWD = PWD
})

describe('workingDirectory', () => {
  it('is the path that the shell came by, symlinks and all', () => {
    symlinkSync(process.cwd(), link)
    process.env.PWD = link
    expect(workingDirectory(undefined)).toBe(link)
    expect(workingDirectory('src')).toBe(join(link, 'src'))
  })

  it.each([undefined, '/', '.', '/nowhere'])('is where this process is when PWD is %j', (pwd) => {
    if (pwd === undefined) delete process.env.PWD
    else process.env.PWD = pwd
    expect(workingDirectory(undefined)).toBe(process.cwd())
  })

  it('is what was asked for', () => {
    expect(workingDirectory('/srv/app/current')).toBe('/srv/app/current')
  })
})
