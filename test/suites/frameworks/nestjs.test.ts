import { nest11 } from '@socket-port/nest-11'
import { describe } from 'vitest'
import {
  ARGUMENT_FORMS,
  asOptions,
  conformance,
  losesWithoutUs,
  OPTION_FORMS,
  restarting,
} from './conformance.ts'

const nest = { forms: ARGUMENT_FORMS, closeHooks: true }
const older = { ...nest, older: nest11, short: true }
// Until NestJS 12 a path was no argument for Fastify's adapter.
const noPath = ARGUMENT_FORMS.filter(({ name }) => name !== 'path')

conformance({ ...nest, name: 'NestJS 12 on Express', fixture: 'nest-express', control: true })
conformance({ ...nest, name: 'NestJS 12 on Fastify', fixture: 'nest-fastify', short: true })
conformance({ ...older, name: 'NestJS 11 on Express', fixture: 'nest-express' })
conformance({
  ...older,
  name: 'NestJS 11 on Fastify',
  fixture: 'nest-fastify',
  forms: [...noPath, ...OPTION_FORMS],
  call: asOptions,
})

describe('NestJS with a database that is closed in onModuleDestroy', () => {
  const framework = { ...nest, name: 'NestJS 12', fixture: 'nest-database', short: true }
  restarting(framework)
  losesWithoutUs(framework)
})
