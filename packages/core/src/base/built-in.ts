import type { Cluster, Worker } from 'node:cluster'

/*
 * Modules of Node that few starts need. Importing core does not load them, since new connections may wait
 * for it, and together they would take two milliseconds. `import()` would not do: the callers are synchronous.
 */
export const childProcess = (): typeof import('node:child_process') =>
  process.getBuiltinModule('node:child_process')

export const nodeOs = (): typeof import('node:os') => process.getBuiltinModule('node:os')

export const nodeV8 = (): typeof import('node:v8') => process.getBuiltinModule('node:v8')

export const nodeCrypto = (): typeof import('node:crypto') =>
  process.getBuiltinModule('node:crypto')

export const isMainThread = (): boolean =>
  process.getBuiltinModule('node:worker_threads').isMainThread

/**
 * The worker of node:cluster that this process is. Each has a channel to its primary, and `process.send`
 * stays when the channel has closed; so a process without it need not load the module to know.
 */
export const clusterWorker = (): Worker | undefined =>
  process.send === undefined ? undefined : nodeCluster().worker

// @types/node describes the module as `import()` gives it, with a default export.
export const nodeCluster = (): Cluster =>
  process.getBuiltinModule('node:cluster') as unknown as Cluster
