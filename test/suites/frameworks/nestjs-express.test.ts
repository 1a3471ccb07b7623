import { ARGUMENT_FORMS, conformance } from './conformance.ts'

conformance({
  name: 'NestJS 12 on Express',
  fixture: 'nest-express',
  forms: ARGUMENT_FORMS,
  closeHooks: true,
  control: true,
})
