import { describe, expect, it, vi } from 'vitest'
import { StartAbort, waitSignal } from './start-abort.ts'

describe('StartAbort', () => {
  it('calls back once, and keeps the first reason', () => {
    const abort = new StartAbort()
    const onAbort = vi.fn()
    abort.onAbort = onAbort
    abort.throwIfAborted()
    abort.abort('first')
    abort.abort('second')
    expect(onAbort).toHaveBeenCalledOnce()
    expect([abort.aborted, abort.reason]).toEqual([true, 'first'])
    expect(() => abort.throwIfAborted()).toThrow('first')
  })

  it.each(['before', 'after'])('aborts a signal that was made %s the abort', (when) => {
    const abort = new StartAbort()
    if (when === 'before') expect(abort.signal.aborted).toBe(false)
    abort.abort('closed')
    expect([abort.signal.aborted, abort.signal.reason]).toEqual([true, 'closed'])
  })

  it('follows the signal of the program, aborted or not', () => {
    const program = new AbortController()
    const abort = new StartAbort()
    abort.follow(program.signal)
    program.abort('stop')
    const late = new StartAbort()
    late.follow(program.signal)
    expect([abort.reason, late.reason]).toEqual(['stop', 'stop'])
  })

  it('follows it until the returned function is called', () => {
    const program = new AbortController()
    const abort = new StartAbort()
    abort.follow(program.signal)()
    program.abort('stop')
    expect(abort.aborted).toBe(false)
  })
})

describe('waitSignal', () => {
  it('is the signal of the start, or else that of the program', () => {
    const { signal } = new AbortController()
    const abort = new StartAbort()
    expect(waitSignal({ signal, abort })).toBe(abort.signal)
    expect(waitSignal({ signal })).toBe(signal)
  })
})
