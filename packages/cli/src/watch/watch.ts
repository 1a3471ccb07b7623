import { relative, resolve } from 'node:path'
import { type FSWatcher, watch as openWatcher } from 'chokidar'
import { CommandError } from '../base/errors.ts'
import type { Watch } from '../run/options.ts'
import { collectChanges } from './collect.ts'
import { ignoring } from './ignore.ts'

export interface WatchOptions {
  /** Files, and folders with everything in them. */
  paths: readonly string[]
  /** Patterns beside `alwaysIgnored`; see {@link ignoring}. */
  ignore: readonly string[]
  /** Changes are reported together when nothing has changed for this time, in ms. @default 100 */
  quiet?: number
  /** Changes are reported at the latest after this time, in ms. @default 2000 */
  patience?: number
}

/** Returns a function that starts to watch, and resolves when no change can be missed any more. */
export function watching(options: WatchOptions): Watch {
  const { quiet = 100, patience = 2_000 } = options
  return async (changed, warn) => {
    const roots = options.paths.map((path) => resolve(path))
    const changes = collectChanges((paths) => changed(reason(paths)), { quiet, patience })
    const watcher = openWatcher(roots, {
      ignored: ignoring(roots, options.ignore),
      ignoreInitial: true,
    })
    watcher.on('all', (_, path) => changes.add(path))
    await opened(watcher)
    watcher.on('error', (error) => warn(explain(error).message))
    return {
      async close() {
        changes.close()
        await watcher.close()
      },
    }
  }
}

async function opened(watcher: FSWatcher): Promise<void> {
  try {
    await new Promise<void>((ready, failed) => {
      watcher.once('ready', ready)
      watcher.once('error', failed)
    })
  } catch (error) {
    await watcher.close()
    throw explain(error)
  }
}

// inotify(7): each folder needs a watch, each watcher an instance; both are limited for each user.
const LIMITS: Readonly<Record<string, string>> = {
  ENOSPC: 'Raise fs.inotify.max_user_watches (sysctl), or watch fewer folders (--ignore)',
  EMFILE: 'Raise fs.inotify.max_user_instances (sysctl)',
}

function explain(error: unknown): CommandError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const fix = LIMITS[code] ?? 'Correct --watch, or leave it out'
  return new CommandError(`changes cannot be watched: ${String(error)}. ${fix}`)
}

function reason([first = '', ...others]: readonly string[]): string {
  const name = relative('', first)
  return others.length === 0 ? `${name} changed` : `${name} and ${others.length} more changed`
}
