import { ARGUMENT_FORMS, conformance } from './conformance.ts'

conformance({
  name: 'NestJS 12 on Fastify',
  fixture: 'nest-fastify',
  forms: ARGUMENT_FORMS,
  closeHooks: true,
  short: true,
})
