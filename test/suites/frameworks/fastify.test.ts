import { asOptions, conformance, OPTION_FORMS } from './conformance.ts'

conformance({
  name: 'Fastify 5',
  fixture: 'fastify',
  forms: OPTION_FORMS,
  call: asOptions,
  closeHooks: true,
  control: true,
})
