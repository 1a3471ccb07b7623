import { SocketPortError } from './errors.ts'
import { whyUnsupported } from './runtime.ts'

// When the package is imported, before anything of it is used that this Node lacks.
const reason = whyUnsupported()
if (reason !== undefined) {
  const error = new SocketPortError('ERR_SOCKET_PORT_UNSUPPORTED', reason)
  // The stack does not help a person who has to change the version.
  error.stack = `${error.name} [${error.code}]: ${reason}`
  throw error
}
