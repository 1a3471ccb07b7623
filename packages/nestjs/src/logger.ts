import { Logger as NestLogger } from '@nestjs/common'
import type { Logger } from '@socket-port/core/adapter'

/** Nest's logger, with the context `socket-port`. */
export function nestLogger(): Logger {
  const logger = new NestLogger('socket-port')
  return {
    debug: (message) => logger.debug(message),
    info: (message) => logger.log(message),
    warn: (message) => logger.warn(message),
    error: (message) => logger.error(message),
  }
}
