import type { Logger, ShutdownReason } from '../base/types.ts'
import { milliseconds, type Option } from '../base/validate.ts'

/** The option `timeout` of a hook. */
export const hookTimeout: Option<number> = milliseconds(5_000)

/** Called after the last connection of the process has ended. */
export type ShutdownHook = (reason: ShutdownReason) => unknown

export interface Hook<A extends unknown[] = [ShutdownReason]> {
  run: (...args: A) => unknown
  timeout: number
}

/**
 * Runs the hooks one after the other, and calls `begins` before each. Returns false if one failed or took too
 * long. Never throws.
 */
export async function runHooks(
  hooks: readonly Hook[],
  reason: ShutdownReason,
  logger: Logger,
  begins: (hook: Hook) => void = () => {},
): Promise<boolean> {
  let succeeded = true
  for (const hook of hooks) {
    begins(hook)
    const failure = await hookFailure(hook, reason)
    if (failure === undefined) continue
    succeeded = false
    logger.error(
      `the shutdown hook ${hook.run.name || '(anonymous)'} ${failure}; the next one runs`,
    )
  }
  return succeeded
}

/** Runs a hook. Returns a description of its failure, or `undefined`. Never throws. */
export async function hookFailure<A extends unknown[]>(
  { run, timeout }: Hook<A>,
  ...args: A
): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, timeout, `did not end within ${timeout} ms`)
  })
  try {
    return await Promise.race([Promise.resolve(run(...args)).then(() => undefined), late])
  } catch (error) {
    return `failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  } finally {
    clearTimeout(timer)
  }
}
