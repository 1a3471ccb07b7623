import { readFileSync } from 'node:fs'

let limit: number | undefined

/**
 * How many descriptors this process may have open (RLIMIT_NOFILE); `undefined` if the system does not tell. It
 * is read once. Call it while a descriptor is left, because reading needs one.
 */
export function fileLimit(): number | undefined {
  limit ??= readLimit()
  return limit
}

function readLimit(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const [, soft] = /^Max open files +(\d+)/m.exec(limits) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}
