// What only a shutdown needs, and no start: process-shutdown.ts loads it when a server listens.
export { StopReport } from '../notify/stop-report.ts'
export { isWatched } from '../proc/watcher.ts'
export { DrainProgress } from './drain-progress.ts'
export { QuickProgress } from './quick-progress.ts'
