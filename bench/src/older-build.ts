import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Variables for a process of `processes/`, besides those of this process. */
export type Environment = Readonly<Record<string, string>>

/**
 * Variables with which a process imports this build as it imports the older one: by the URL of its file. To find a package by
 * its name takes Node another two milliseconds.
 */
export const thisBuild = (): Environment => ({
  BENCH_CORE: import.meta.resolve('@socket-port/core'),
})

/**
 * Variables with which a process imports an older build of core (`--before`); `folder` is its `dist`. `undefined` without a
 * folder.
 */
export function olderBuild(folder: string | undefined): Environment | undefined {
  if (folder === undefined) return undefined
  const file = join(resolve(folder), 'index.js')
  if (!existsSync(file)) {
    throw new Error(`--before needs the folder dist of a built core (there is no ${file})`)
  }
  return { BENCH_CORE: pathToFileURL(file).href }
}
