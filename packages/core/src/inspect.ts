import { defaultLogger } from './logger.ts'
import { inherited } from './registry.ts'
import type { InheritedSocket, Logger } from './types.ts'

/** Lists every socket that was passed to this process, usable or not, taken or not; takes none. */
export function inspect({ logger = defaultLogger }: { logger?: Logger } = {}): InheritedSocket[] {
  return inherited(logger)
}
