import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { listenToKeyboard } from './keyboard.ts'

function keyboard(isTTY: boolean, isForeground: () => boolean) {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  let reloads = 0
  const reload = (): void => {
    reloads += 1
  }
  const stop = listenToKeyboard(reload, stdin as unknown as NodeJS.ReadStream, isForeground)
  return { stdin, stop, reloads: () => reloads }
}

it.each([
  ['rs\n', 1],
  [' rs \r\n', 1],
  ['hello\nrs\n', 1],
  ['r\n', 0],
  ['rsync\n', 0],
  ['\n', 0],
])('%j typed on a terminal reloads %d times', async (text, count) => {
  const { stdin, stop, reloads } = keyboard(true, () => true)
  stdin.write(text)
  await setImmediate()
  expect(reloads()).toBe(count)
  stop()
})

it('reads no stdin that is not a terminal', () => {
  const { stdin } = keyboard(false, () => true)
  expect(stdin.listenerCount('data')).toBe(0)
})

it('reads nothing in the background, because the kernel would stop this process', async () => {
  let isForeground = false
  const { stdin, stop, reloads } = keyboard(true, () => isForeground)
  stdin.write('rs\n')
  await setImmediate()
  expect(reloads()).toBe(0)
  isForeground = true
  process.emit('SIGCONT')
  await setImmediate()
  expect(reloads()).toBe(1)
  stop()
  expect(process.listenerCount('SIGCONT')).toBe(0)
})
