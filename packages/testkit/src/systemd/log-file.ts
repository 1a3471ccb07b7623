import { on } from 'node:events'
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Returns the whole log so far; an empty text before its first line. */
export function readLog(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}

/** Resolves with the whole log when it contains `words`; rejects after `timeout` milliseconds. */
export async function logHolds(file: string, words: string, timeout: number): Promise<string> {
  const watcher = watch(dirname(file))
  const changes = on(watcher, 'change', { signal: AbortSignal.timeout(timeout) })
  let text = ''
  try {
    for (;;) {
      text = await readLog(file)
      if (text.includes(words)) return text
      await changes.next()
    }
  } catch (cause) {
    throw new Error(`${file} has no "${words}" after ${timeout} ms; it has: ${text}`, { cause })
  } finally {
    watcher.close()
  }
}
