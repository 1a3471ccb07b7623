import { SocketPortError } from '../errors.ts'
import { type Libc, loadLibc } from './libc.ts'

/**
 * libc; where it cannot be used, ERR_SOCKET_PORT_UNSUPPORTED, whose message says why and how to mend
 * that, after `what` this prevents.
 */
export function usableLibc(what?: string): Libc {
  try {
    return loadLibc()
  } catch (cause) {
    const problem = `libc cannot be used (${reasonOf(cause)}). ${LIBC_MEND}`
    const message = what === undefined ? problem : `${what}: ${problem}`
    throw new SocketPortError('ERR_SOCKET_PORT_UNSUPPORTED', message, { cause })
  }
}

/** Why native code was not loaded, in one line. */
export const reasonOf = (error: unknown): string =>
  String((error as Error).message).split('\n', 1)[0] ?? ''

const library = `@koromix/koffi-${process.platform}-${process.arch}`

/** How native code comes to be loaded. */
export const LIBC_MEND: string =
  (process.platform === 'linux' ? 'Install' : 'On Linux, install') +
  ` the optional dependency ${library} and allow native code (--allow-addons)`
