import { SocketPortError } from '../base/errors.ts'
import { type Libc, loadLibc } from './libc.ts'
import { nativeLibrary } from './native-library.ts'

/**
 * Loads libc. Throws ERR_SOCKET_PORT_UNSUPPORTED where it cannot be used; the message says `what` is
 * not possible, why, and how to repair it.
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

/** The first line of the reason why native code was not loaded. */
export const reasonOf = (error: unknown): string =>
  String((error as Error).message).split('\n', 1)[0] ?? ''

/** How to allow native code, for messages. */
export const LIBC_MEND: string =
  (process.platform === 'linux' ? 'Install' : 'On Linux, install') +
  ` the optional dependency ${nativeLibrary} and allow native code (--allow-addons)`
