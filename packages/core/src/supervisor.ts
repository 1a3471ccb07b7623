// For programs that keep sockets and start the processes that serve them, as `socket-port run`. Unstable: what
// it exports follows the command, and changes in any release.
import './base/refuse-runtime.ts'

export { type AskAnswer, type AskRequest, LONGEST_MESSAGE, readRequest } from './ask/messages.ts'
export { plainText, quote } from './base/quote.ts'
export {
  COUNT_FIELDS,
  type ConnectionCounts,
  type CountedKind,
  type CountedWay,
  noConnections,
} from './handover/connection-counts.ts'
export { RECEIVES } from './handover/supervisor-channel.ts'
export { StopSignals } from './lifecycle/stop-signals.ts'
export { bindFd } from './listen/bind-fd.ts'
export { QUEUE_NAME } from './listen/fd-name.ts'
export type { ListenTarget } from './listen/options.ts'
export { isZoneDropped } from './listen/zone.ts'
export { doNotBlock, type OutputStream, queuedBytes } from './node/output-stream.ts'
export { descriptorOf } from './node/tcp-handle.ts'
export { type ProcessStat, statOf } from './proc/process.ts'
export { hasOwnTerminal, TERMINAL_VARIABLE } from './proc/terminal.ts'
export { ASK_VARIABLE, CHANNEL_VARIABLE } from './process/environment.ts'
export { LONGEST_UNIX_PATH } from './sockets/constants.ts'
export type { SocketFacts } from './sockets/facts.ts'
export { type Peer, peerOf } from './sockets/peer.ts'
export { answerAsker } from './supervisor/answer.ts'
export { setBlocking } from './supervisor/blocking.ts'
export { ChildChannel } from './supervisor/child-channel.ts'
export { describeFd } from './supervisor/describe-fd.ts'
export { matchAsked, type PassedSocket } from './supervisor/match-asked.ts'
export { type Notification, toMilliseconds } from './supervisor/notification.ts'
export { type NotifySocket, openNotifySocket } from './supervisor/notify-socket.ts'
export { reapOrphans } from './supervisor/orphans.ts'
export { type PeerProcess, peerProcess } from './supervisor/peer-process.ts'
export { openPipe } from './supervisor/pipe.ts'
