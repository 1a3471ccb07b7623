import { asOptions, conformance, OPTION_FORMS } from './conformance.ts'

conformance({
  name: 'hapi',
  fixture: 'hapi',
  forms: OPTION_FORMS,
  call: asOptions,
  closeHooks: true,
  closesEarly: false,
})
