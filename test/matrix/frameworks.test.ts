// The newest version of each framework is tested in test/suites/frameworks.
import { nest11 } from '@socket-port/nest-11'
import {
  ARGUMENT_FORMS,
  asOptions,
  conformance,
  NODE_FORMS,
  OPTION_FORMS,
} from '../suites/frameworks/conformance.ts'

const older = { forms: NODE_FORMS, short: true }
const nest = { forms: ARGUMENT_FORMS, short: true, older: nest11, closeHooks: true }
// Until NestJS 12 a path was no argument for Fastify's adapter.
const noPath = ARGUMENT_FORMS.filter(({ name }) => name !== 'path')

conformance({ ...older, name: 'Express 4', fixture: 'express', older: { express: 'express4' } })
conformance({ ...older, name: 'Koa 2', fixture: 'koa', older: { koa: 'koa2' } })
conformance({ ...nest, name: 'NestJS 11 on Express', fixture: 'nest-express' })
conformance({
  ...nest,
  name: 'NestJS 11 on Fastify',
  fixture: 'nest-fastify',
  forms: [...noPath, ...OPTION_FORMS],
  call: asOptions,
})
