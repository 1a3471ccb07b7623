import type { SocketPortError } from '../base/errors.ts'

/** The error that the call throws. */
export function failure(act: () => unknown): SocketPortError {
  try {
    act()
  } catch (error) {
    return error as SocketPortError
  }
  throw new Error('nothing was thrown')
}
