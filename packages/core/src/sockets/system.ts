import type { Logger } from '../base/types.ts'
import type { SocketSystem } from './facts.ts'
import { loadLibc } from './libc.ts'
import { nativeSystem } from './native.ts'
import { plainSystem } from './plain.ts'
import { LIBC_MEND, reasonOf } from './usable-libc.ts'

/** Uses libc; where it cannot be loaded, warns and uses Node and /proc. */
export function socketSystem(logger: Logger): SocketSystem {
  if (process.platform !== 'linux') return plainSystem
  try {
    return nativeSystem(loadLibc())
  } catch (error) {
    logger.warn(
      `libc cannot be used (${reasonOf(error)}), so an inherited socket is served as it is: once ` +
        `closed it cannot be listened on again. ${LIBC_MEND}`,
    )
    return plainSystem
  }
}
