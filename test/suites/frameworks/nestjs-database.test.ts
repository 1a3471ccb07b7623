import { describe } from 'vitest'
import { ARGUMENT_FORMS, losesWithoutUs, restarting } from './conformance.ts'

describe('NestJS with a database that is closed in onModuleDestroy', () => {
  const framework = {
    name: 'NestJS 12',
    fixture: 'nest-database',
    forms: ARGUMENT_FORMS,
    closeHooks: true,
    short: true,
  }
  restarting(framework)
  losesWithoutUs(framework)
})
