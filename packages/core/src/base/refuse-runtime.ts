import { SocketPortError } from './errors.ts'
import { whyUnsupported } from './runtime.ts'

// Fail at import, with the reason. Otherwise a feature that this runtime lacks would fail later, and say nothing.
const reason = whyUnsupported()
if (reason !== undefined) {
  const error = new SocketPortError('ERR_SOCKET_PORT_UNSUPPORTED', reason)
  // The repair is another version of Node, and the stack does not help to find it.
  error.stack = `${error.name} [${error.code}]: ${reason}`
  throw error
}
