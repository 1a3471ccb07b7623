/** A package that is published. */
export interface Published {
  readonly name: string
  /** From the root of the repository. */
  readonly folder: string
  /** Names of what is installed with it. */
  readonly dependencies: readonly string[]
  /** It is a command: there is nothing to import, and its files are named by the bundler. */
  readonly command?: true
}

const CORE = '@socket-port/core'

export const PUBLISHED: readonly Published[] = [
  { name: CORE, folder: 'packages/core', dependencies: [] },
  { name: '@socket-port/express', folder: 'packages/express', dependencies: [CORE] },
  { name: '@socket-port/koa', folder: 'packages/koa', dependencies: [CORE] },
  {
    name: '@socket-port/fastify',
    folder: 'packages/fastify',
    dependencies: [CORE, 'fastify-plugin'],
  },
  { name: '@socket-port/nestjs', folder: 'packages/nestjs', dependencies: [CORE] },
  { name: '@socket-port/ws', folder: 'packages/ws', dependencies: [CORE] },
  {
    name: '@socket-port/socket.io',
    folder: 'packages/socket.io',
    dependencies: [CORE, '@socket-port/ws'],
  },
  {
    name: 'socket-port',
    folder: 'packages/cli',
    dependencies: [CORE, 'chokidar', 'picomatch', 'prom-client'],
    command: true,
  },
]

/** What a user types to get a package into a project, and what the project can do then. */
export interface Use {
  readonly title: string
  readonly name: string
  /** What `npm i` and `pnpm add` are given before: what such a project has anyway. */
  readonly before?: string
  /** What they are given then, as a README says it but for the version of a framework. */
  readonly install: string
  /** The types that a consumer in TypeScript needs beside those of Node. */
  readonly types?: string
  /** An old major: with npm alone. @default false */
  readonly old?: boolean
  /** The document, and which of its programs is to run. @default the first one */
  readonly program: readonly [document: string, index?: number]
  /** The document says that the program prints this. */
  readonly prints?: string
  /** The folder of programs to compile, and those that are for another use. */
  readonly consumers: readonly [folder: string, ...others: string[]]
  /** Entry points that are for another use. */
  readonly lacks?: readonly string[]
  /** What the framework depends on that wants a newer Node than 20: installing it says so, with or without us. */
  readonly wantsNewerNode?: readonly string[]
}

const NEST = '@nestjs/common @nestjs/core reflect-metadata rxjs'
const NEST_11 = '@nestjs/common@11 @nestjs/core@11 reflect-metadata rxjs'

const express = {
  name: '@socket-port/express',
  program: ['packages/express/README.md'],
} as const
const koa = { name: '@socket-port/koa', program: ['packages/koa/README.md'] } as const
const fastify = {
  name: '@socket-port/fastify',
  program: ['packages/fastify/README.md'],
  consumers: ['packages/fastify/types'],
  wantsNewerNode: ['cookie'],
} as const
const socketIo = {
  name: '@socket-port/socket.io',
  program: ['packages/socket.io/README.md'],
  consumers: ['packages/socket.io/types'],
} as const
const webSockets = {
  name: '@socket-port/ws',
  program: ['packages/ws/README.md'],
  consumers: ['packages/ws/types'],
} as const
const nestOnExpress = {
  name: '@socket-port/nestjs',
  install: '@socket-port/nestjs',
  types: '@types/express',
  program: ['packages/nestjs/README.md', 0],
  consumers: ['packages/nestjs/types', 'fastify.mts', 'fastify.cts'],
  lacks: ['./fastify'],
} as const
const nestOnFastify = {
  name: '@socket-port/nestjs',
  install: '@socket-port/nestjs @socket-port/fastify',
  program: ['packages/nestjs/README.md', 1],
  consumers: ['packages/nestjs/types', 'express.mts', 'express.cts'],
  lacks: ['.'],
} as const

/** Each framework in its newest major, and in the oldest that the peer range allows. */
export const USES: readonly Use[] = [
  {
    title: 'core',
    name: CORE,
    install: CORE,
    program: ['README.md'],
    prints: 'http://localhost:8080 is $source\n',
    consumers: ['test/fixtures/types'],
    // A preload.
    lacks: ['./register'],
  },
  {
    ...express,
    title: 'Express 5',
    install: '@socket-port/express express',
    types: '@types/express',
    consumers: ['packages/express/types', 'express4.mts'],
  },
  {
    ...express,
    title: 'Express 4.17',
    install: '@socket-port/express express@4.17.0',
    types: '@types/express@4',
    old: true,
    consumers: ['packages/express/types', 'express5.mts'],
  },
  {
    ...koa,
    title: 'Koa 3',
    install: '@socket-port/koa koa',
    types: '@types/koa',
    consumers: ['packages/koa/types', 'koa2.mts'],
  },
  {
    ...koa,
    title: 'Koa 2.13',
    install: '@socket-port/koa koa@2.13.0',
    types: '@types/koa@2',
    old: true,
    consumers: ['packages/koa/types', 'koa3.mts'],
  },
  {
    ...webSockets,
    title: 'ws 8',
    install: '@socket-port/ws @socket-port/core ws socket-port',
    types: '@types/ws',
  },
  {
    ...webSockets,
    // Before that `require` does not give the class by its name.
    title: 'ws 8.2',
    install: '@socket-port/ws @socket-port/core ws@8.2.0',
    types: '@types/ws@8',
    old: true,
  },
  {
    ...socketIo,
    title: 'Socket.IO 4',
    install: '@socket-port/socket.io @socket-port/core socket.io socket.io-client socket-port',
  },
  {
    ...socketIo,
    // The types of 4.5 and 4.6 do not compile by themselves.
    title: 'Socket.IO 4.7',
    install: '@socket-port/socket.io @socket-port/core socket.io@4.7.0',
    old: true,
  },
  { ...fastify, title: 'Fastify 5', install: '@socket-port/fastify fastify' },
  {
    ...fastify,
    title: 'Fastify 5.0',
    install: '@socket-port/fastify fastify@5.0.0',
    old: true,
  },
  {
    ...nestOnExpress,
    title: 'NestJS 12 on Express',
    before: `${NEST} @nestjs/platform-express`,
    wantsNewerNode: ['file-type'],
  },
  {
    ...nestOnFastify,
    title: 'NestJS 12 on Fastify',
    before: `${NEST} @nestjs/platform-fastify`,
    wantsNewerNode: ['file-type', 'cookie'],
  },
  {
    ...nestOnExpress,
    title: 'NestJS 11 on Express',
    before: `${NEST_11} @nestjs/platform-express@11`,
    old: true,
  },
  {
    ...nestOnFastify,
    title: 'NestJS 11 on Fastify',
    before: `${NEST_11} @nestjs/platform-fastify@11`,
    old: true,
  },
]
