import type { StartFramework } from './framework.ts'

// Each framework has a module that is loaded only when it is used, so that a process loads no other framework.
const MODULES = {
  fastify: async () => (await import('./fastify.ts')).startFastify,
  express: async () => (await import('./express.ts')).startExpress,
  koa: async () => (await import('./koa.ts')).startKoa,
  'nestjs on express': async () => (await import('./nestjs.ts')).startOnExpress,
  'nestjs on fastify': async () => (await import('./nestjs.ts')).startOnFastify,
} satisfies Record<string, () => Promise<StartFramework>>

export type Framework = keyof typeof MODULES

export const FRAMEWORKS: readonly Framework[] = Object.keys(MODULES) as Framework[]

export const loadFramework = (framework: Framework): Promise<StartFramework> => MODULES[framework]()
