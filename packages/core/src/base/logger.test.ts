import { describe, expect, it, vi } from 'vitest'
import { defaultLogger } from './logger.ts'

function written(log: () => void): string {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  log()
  const text = write.mock.calls.map(([line]) => line).join('')
  write.mockRestore()
  return text
}

describe('defaultLogger', () => {
  it('writes warnings and errors to stderr without changing them', () => {
    expect(written(() => defaultLogger.warn('100 %d'))).toBe('socket-port: warning: 100 %d\n')
    expect(written(() => defaultLogger.error('gone'))).toBe('socket-port: error: gone\n')
  })

  it('writes nothing else', () => {
    expect(written(() => defaultLogger.info('listening'))).toBe('')
    expect(written(() => defaultLogger.debug('found fd 3'))).toBe('')
  })
})
