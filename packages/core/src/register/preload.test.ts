import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const source = new URL('../', import.meta.url).pathname

/** The files that a file imports when it runs, directly or through others. */
function importsOf(file: string, found: Set<string> = new Set()): Set<string> {
  const text = readFileSync(join(source, file), 'utf8')
  for (const [, clause = '', path = ''] of text.matchAll(/^import (.*?)from '([^']+)'$/gms)) {
    if (clause.startsWith('type ') || found.has(path)) continue
    const imported = path.startsWith('.') ? join(dirname(file), path) : path
    if (found.has(imported)) continue
    found.add(imported)
    if (path.startsWith('.')) importsOf(imported, found)
  }
  return found
}

it('imports little, because NODE_OPTIONS loads it into every process of Node, such as npm', () => {
  expect([...importsOf('register/preload.ts')].toSorted()).toEqual([
    'base/built-in.ts',
    'base/own-listener.ts',
    'node/server-kind.ts',
    'node:module',
    'node:net',
    'process/environment.ts',
    'process/own-servers.ts',
    'process/per-process.ts',
    'register/preloaded.ts',
    'register/process-events.ts',
  ])
})
