import { describe, expect, it } from 'vitest'
import { type Action, type Event, next, type State } from './lifecycle.ts'

const STATES: State[] = ['starting', 'settling', 'ready', 'draining', 'gone']
const EVENTS: Event[] = [
  ...(['ready', 'settled', 'start-timeout', 'stop', 'leaving'] as const),
  ...(['hung', 'drain-timeout', 'exit'] as const),
]

const CHANGES: [State, Event, State, Action][] = [
  ['starting', 'ready', 'settling', 'none'],
  ['starting', 'start-timeout', 'draining', 'signal'],
  ['starting', 'stop', 'draining', 'signal'],
  ['starting', 'leaving', 'draining', 'none'],
  ['starting', 'exit', 'gone', 'none'],
  ['settling', 'settled', 'ready', 'none'],
  ['settling', 'stop', 'draining', 'signal'],
  ['settling', 'leaving', 'draining', 'none'],
  ['settling', 'hung', 'draining', 'abort'],
  ['settling', 'exit', 'gone', 'none'],
  ['ready', 'stop', 'draining', 'signal'],
  ['ready', 'leaving', 'draining', 'none'],
  ['ready', 'hung', 'draining', 'abort'],
  ['ready', 'exit', 'gone', 'none'],
  ['draining', 'drain-timeout', 'draining', 'kill'],
  ['draining', 'exit', 'gone', 'none'],
]

describe('the states of a process', () => {
  it.each(CHANGES)('%s, %s: %s, %s', (state, event, after, action) => {
    expect(next(state, event)).toEqual({ state: after, action })
  })

  const others = STATES.flatMap((state) => EVENTS.map((event) => [state, event] as const)).filter(
    ([state, event]) => !CHANGES.some(([from, on]) => from === state && on === event),
  )

  it.each(others)('%s, %s: nothing', (state, event) => {
    expect(next(state, event)).toEqual({ state, action: 'none' })
  })
})
