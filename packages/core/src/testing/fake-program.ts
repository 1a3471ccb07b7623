import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { temporaryDirectory } from './real-sockets.ts'

/** Puts a `systemctl` of the test, a shell script, on the PATH, until environments are unstubbed. */
export const fakeSystemctl = (script: string): void => fakeProgram('systemctl', script)

/** Puts a program of the test, a shell script, on the PATH, until environments are unstubbed. */
export function fakeProgram(name: string, script: string): void {
  const directory = temporaryDirectory()
  const file = join(directory, name)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  vi.stubEnv('PATH', `${directory}:${process.env.PATH}`)
}
