export { type Certificate, selfSigned } from './certificate.ts'
export { now } from './clock.ts'
export {
  type Exit,
  type Generation,
  type GenerationOptions,
  type Inherit,
  type PassedSocket,
  type Ready,
  startGeneration,
} from './generation.ts'
export { type Chart, drawChart, worstRestart } from './load/chart.ts'
export { type Load, startLoad } from './load/load.ts'
export type { IdleOptions, LoadOptions, Target } from './load/options.ts'
export type {
  Failure,
  IdleCounts,
  LoadCounts,
  LoadResult,
  Outcome,
  Phase,
  Stall,
  TracedRequest,
} from './load/result.ts'
export {
  freePort,
  type Listener,
  type ListenerOptions,
  listenerBacklog,
  listenerQueue,
  openListener,
} from './native.ts'
export { ODD_KINDS, type OddKind, openSocket } from './odd-fds.ts'
export { endProcesses } from './processes.ts'
export {
  type RestartOptions,
  type RestartResult,
  type RestartRow,
  restartUnderLoad,
} from './restart.ts'
export type { OpenFd } from './sockets.ts'
export { type Supervised, type SupervisedOptions, startSupervised } from './supervised.ts'
export { bootSystemd, pathInBox, type SystemdBox, systemdSkipReason } from './systemd/index.ts'
