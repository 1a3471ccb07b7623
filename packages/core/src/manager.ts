// For programs that keep sockets and start the processes that serve them, as `socket-port run`.
import './refuse-runtime.ts'

export { bindFd } from './bind-fd.ts'
export { setBlocking } from './manager/blocking.ts'
export {
  RECEIVED,
  RECEIVES,
  CHANNEL_VARIABLE,
  ChildChannel,
  CUT,
  HANDED_OVER,
  QUEUE_NAME,
} from './manager/child-channel.ts'
export { describeFd, type SocketFacts } from './manager/describe-fd.ts'
export { milliseconds, type Notification } from './manager/notification.ts'
export { type NotifySocket, openNotifySocket } from './manager/notify-socket.ts'
export { type ProcessStat, readStat, reapOrphans } from './manager/orphans.ts'
export { type Peer, peerOf } from './manager/peer.ts'
export { openPipe } from './manager/pipe.ts'
export { isZoneDropped } from './options.ts'
export { hasOwnTerminal, TERMINAL_VARIABLE } from './proc/terminal.ts'
export { plainText, quote } from './quote.ts'
export { StopSignals } from './stop-signals.ts'
