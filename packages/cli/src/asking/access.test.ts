import type { ProcessStat } from '@socket-port/core/supervisor'
import { describe, expect, it } from 'vitest'
import { startedAncestor } from './access.ts'

type Process = [parent: number, session: number, startTime: number]

/** 1 is init, 10 is socket-port run, 20 and 30 were started by it, and the others are below them. */
const ALL: Record<number, Process> = {
  1: [0, 1, 0],
  10: [1, 10, 100],
  20: [10, 20, 200],
  21: [20, 20, 210],
  22: [21, 20, 220],
  30: [10, 30, 300],
  // It has left the session.
  23: [22, 23, 230],
  24: [23, 23, 240],
  // Its parent has ended, and it stays in the session.
  25: [1, 20, 250],
  // Neither its parents nor its session tell.
  26: [1, 26, 260],
  27: [26, 26, 270],
  40: [1, 40, 50],
}

const find = (
  pid: number,
  changes: Record<number, Process | undefined> = {},
): number | undefined => {
  const processes = { ...ALL, ...changes }
  const statOf = (one: number): ProcessStat | undefined => {
    const process = processes[one]
    if (process === undefined) return undefined
    const [parent, session, startTime] = process
    return { name: 'node', state: 'S', parent, session, startTime }
  }
  return startedAncestor(pid, (one) => one === 20 || one === 30, statOf)
}

describe('startedAncestor', () => {
  it.each([
    ['the started process itself', 20, 20],
    ['a child', 21, 20],
    ['a grandchild', 22, 20],
    ['one below another started process', 30, 30],
    ['one that leads a session of its own', 23, 20],
    ['one below that', 24, 20],
    ['one whose parent has ended', 25, 20],
  ])('%s is below it', (_, pid, leader) => {
    expect(find(pid)).toBe(leader)
  })

  it.each([
    ['socket-port run', 10],
    ['init', 1],
    ['another program', 40],
    ['one that has left the session, and whose parent has ended', 26],
    ['one below that', 27],
    ['one that has ended', 99],
    ['the kernel', 0],
  ])('%s is not', (_, pid) => {
    expect(find(pid)).toBeUndefined()
  })

  it('a process whose parent has ended is not below another process that has reused the pid of the parent', () => {
    expect(find(24, { 23: [22, 20, 900] })).toBeUndefined()
    // Started in the same tick.
    expect(find(24, { 23: [22, 23, 240] })).toBe(20)
    expect(find(24, { 23: undefined })).toBeUndefined()
  })

  it('ends if parents form a circle or a long chain', () => {
    expect(find(50, { 50: [51, 50, 1], 51: [50, 51, 1] })).toBeUndefined()
    const chain = Object.fromEntries(
      Array.from({ length: 100 }, (_, index): [number, Process] => [
        100 + index,
        [101 + index, 9, 1],
      ]),
    )
    expect(find(100, { ...chain, 200: [20, 20, 1] })).toBeUndefined()
  })
})
