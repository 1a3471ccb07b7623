type Core = typeof import('@socket-port/core')

/** Core, or the older build of it that `olderBuild` has named. */
export const importCore = (): Promise<Core> => import(process.env.BENCH_CORE ?? '@socket-port/core')
