import { describe } from 'vitest'
import { closing } from './closing.ts'
import type { Framework } from './framework.ts'
import { listening } from './listening.ts'
import { losesWithoutUs, restarting } from './restarting.ts'

export * from './forms.ts'
export type { Framework } from './framework.ts'
export { losesWithoutUs, restarting } from './restarting.ts'

/** What every framework on core must do; a framework's test file is one call of this. */
export function conformance(framework: Framework): void {
  describe(framework.name, () => {
    listening(framework)
    closing(framework)
    restarting(framework)
    if (framework.control) losesWithoutUs(framework)
  })
}
