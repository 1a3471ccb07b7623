import type { Logger } from '../types.ts'
import type { SocketSystem } from './facts.ts'
import { loadLibc } from './libc.ts'
import { nativeSystem } from './native.ts'
import { plainSystem } from './plain.ts'

/** The system as seen through libc, else, with a warning, through what Node and /proc give. */
export function socketSystem(logger: Logger): SocketSystem {
  if (process.platform !== 'linux') return plainSystem
  try {
    return nativeSystem(loadLibc())
  } catch (error) {
    const [reason] = String((error as Error).message).split('\n')
    logger.warn(
      `libc cannot be used (${reason}), so an inherited socket is served as it is: once closed it cannot ` +
        'be listened on again. Install the optional dependency ' +
        `@koromix/koffi-${process.platform}-${process.arch} and allow native code (--allow-addons)`,
    )
    return plainSystem
  }
}
