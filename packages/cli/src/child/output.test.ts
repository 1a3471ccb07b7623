import { closeSync, writeSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { WholeLines } from '../output/lines.ts'
import { Lines, openOutput, Tail } from './output.ts'

describe('Tail', () => {
  it('keeps the last twenty lines', () => {
    const tail = new Tail()
    for (let line = 1; line <= 100; line += 1) tail.add(`line ${line}\n`)
    const lines = tail.toString().split('\n')
    expect(lines).toHaveLength(20)
    expect(lines[0]).toBe('line 81')
    expect(lines.at(-1)).toBe('line 100')
  })

  it('keeps a line without an end, and no more than a screen of it', () => {
    const tail = new Tail()
    tail.add('x'.repeat(100_000))
    expect(tail.toString()).toHaveLength(8192)
  })

  const stack = (lines: number): string => '    at start (server.js:1:1)\n'.repeat(lines)

  it('keeps the first line of an error whose stack is longer', () => {
    const tail = new Tail()
    tail.add(`SocketPortError: too old: ends\n${stack(2)}starting\n`)
    tail.add(`SocketPortError: cannot listen on port 80 (EADDRINUSE): stop it\n${stack(9)}`)
    tail.add(`  [cause]: Error: listen EADDRINUSE\n${stack(15)}`)
    expect(tail.toString().split('\n').slice(0, 3)).toEqual([
      'SocketPortError: cannot listen on port 80 (EADDRINUSE): stop it',
      '…',
      '    at start (server.js:1:1)',
    ])
    expect(tail.toString().split('\n')).toHaveLength(22)
  })

  it('adds nothing if the last lines already have it', () => {
    const tail = new Tail()
    tail.add(`Error: one\n${stack(30)}RangeError [ERR_X]: two\n${stack(3)}`)
    expect(tail.toString()).toMatch(/^ {4}at [\s\S]*RangeError \[ERR_X\]: two\n/)
  })

  it('is empty at first', () => {
    expect(new Tail().toString()).toBe('')
  })
})

describe('Lines', () => {
  it('joins a line that arrives in pieces', () => {
    const lines = new Lines()
    expect(['a', 'b\nc', '\n\nd', '\n'].map((text) => lines.add(text))).toEqual([
      [],
      ['ab'],
      ['c', ''],
      ['d'],
    ])
  })
})

describe('openOutput', () => {
  // The pipe holds this much, and it becomes 100 times as long.
  const CONTENT = '\n'.repeat(4_000)
  const LONG = 100

  function fullPipe() {
    const rooms: (() => void)[] = []
    let written = 0
    let onWrite = (): void => {}
    const to = {
      write(bytes: Uint8Array | string) {
        written += bytes.length
        onWrite()
        return new Promise<void>((resolve) => rooms.push(resolve))
      },
    }
    const lines = new WholeLines(() => Buffer.alloc(LONG))
    const { writeEnd, read } = openOutput(to, lines, () => {})
    writeSync(writeEnd, CONTENT)
    closeSync(writeEnd)
    const nextWrite = (): Promise<void> => new Promise((resolve) => (onWrite = resolve))
    return { rooms, read, nextWrite, written: () => written }
  }

  it('writes a piece each time when there is room, though much more has been read', async () => {
    const { rooms, read, nextWrite, written } = fullPipe()
    await nextWrite()
    let pieces = 0
    while (written() < CONTENT.length * LONG) {
      expect(rooms).toHaveLength(1)
      pieces += 1
      const next = nextWrite()
      rooms.pop()?.()
      await next
    }
    expect(pieces).toBeGreaterThan(5)
    await read()
    expect(written()).toBe(CONTENT.length * LONG)
  })

  it('waits for no room once the process has ended', async () => {
    const { read, nextWrite, written } = fullPipe()
    await nextWrite()
    await read()
    expect(written()).toBe(CONTENT.length * LONG)
  })
})
