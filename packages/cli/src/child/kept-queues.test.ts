import { fstatSync, openSync } from 'node:fs'
import { expect, it } from 'vitest'
import { KeptQueues } from './kept-queues.ts'

const isOpen = (fd: number): boolean => {
  try {
    return fstatSync(fd) !== undefined
  } catch {
    return false
  }
}
const open = (): number => openSync('/dev/null', 'r')

it('passes on the queues of a socket, once, and closes what it has passed or dropped', () => {
  const queues = new KeptQueues()
  const [web, admin, both] = [open(), open(), open()]
  queues.add([web], new Set([1n]))
  queues.add([admin], new Set([2n]))
  queues.add([both], new Set([1n, 2n]))
  const passed: number[] = []
  const pass = (fds: readonly number[]): void => {
    expect(fds.every(isOpen)).toBe(true)
    passed.push(...fds)
  }
  queues.pass(new Set([3n]), pass)
  queues.pass(new Set([1n]), pass)
  queues.pass(new Set([1n]), pass)
  expect(passed).toEqual([web, both])
  expect([web, admin, both].map(isOpen)).toEqual([false, true, false])
  queues.drop()
  expect(isOpen(admin)).toBe(false)
})

it('keeps only a few queues', () => {
  const queues = new KeptQueues()
  const fds = Array.from({ length: 10 }, open)
  for (const fd of fds) queues.add([fd], new Set([1n]))
  expect(fds.map(isOpen)).toEqual([false, false, ...Array.from({ length: 8 }, () => true)])
  queues.drop()
  expect(fds.filter(isOpen)).toEqual([])
})
