import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { openPipe } from '@socket-port/core/supervisor'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Level } from '../base/level.ts'
import { OwnOutput } from './own-output.ts'

type Stream = ConstructorParameters<typeof OwnOutput>[0]

const MEBIBYTE = 1_048_576

const cleanups: (() => unknown)[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

function output(stream: Stream, onNotice: (notice: string) => void = () => {}) {
  const notices: string[] = []
  const notice = (text: string, level: Level): void => {
    notices.push(`${level}: ${text}`)
    onNotice(text)
  }
  return { output: new OwnOutput(stream, 'stdout', notice), notices }
}

/** A stream of a file, as Node makes none of its own for a descriptor. */
function fileStream(path: string): Stream {
  const fd = openSync(path, 'a')
  cleanups.push(() => closeSync(fd))
  return Object.assign(new Writable(), { fd })
}

describe(...requireOrSkip('our own output', linuxSkipReason()), () => {
  it('to a full disk is dropped and counted, and reported once when there is room again', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
    cleanups.push(() => rmSync(directory, { recursive: true }))
    const disk = fileStream('/dev/full') as Stream & { fd: number }
    const { output: stdout, notices } = output(disk)
    expect(stdout.write('lost\n')).toBeUndefined()
    stdout.write(Buffer.from('lost as well\n'))
    expect(notices).toEqual([
      'warn: stdout cannot be written (ENOSPC: no space left on device, write); output is dropped until writing works again',
    ])
    vi.advanceTimersByTime(1_000)
    const { fd } = fileStream(join(directory, 'log'))
    disk.fd = fd
    stdout.write('kept\n')
    stdout.write('kept\n')
    expect(notices.slice(1)).toEqual([
      'info: stdout can be written again; 18 bytes of output were dropped',
    ])
    expect(readFileSync(join(directory, 'log'), 'utf8')).toBe('kept\nkept\n')
  })

  it.each([
    ['is not open for writing', 'EBADF', () => openSync('/dev/null', 'r')],
    ['is a directory', 'EBADF', () => openSync('/', 'r')],
  ])('to a descriptor that %s is dropped (%s)', (_, code, open) => {
    const fd = open()
    cleanups.push(() => closeSync(fd))
    const { output: stdout, notices } = output(Object.assign(new Writable(), { fd }))
    stdout.write('x')
    expect(notices).toEqual([expect.stringContaining(code)])
    stdout.sumUp()
    expect(notices[1]).toBe(
      'warn: 1 byte of output was dropped because stdout could not be written',
    )
  })

  it('to a pipe whose reader is gone is dropped', async () => {
    const { stream, readEnd } = pipe()
    closeSync(readEnd)
    const notice = new Promise((resolve) => output(stream, resolve).output.write('x'))
    expect(await notice).toContain('EPIPE')
  })

  it('to a slow reader makes the caller wait until it has read', async () => {
    const { stream, reader } = pipe()
    const { output: stdout, notices } = output(stream)
    const room = fill(stdout)
    reader.resume()
    await room
    expect(notices).toEqual([])
    expect(stdout.waiting).toBeLessThan(MEBIBYTE)
  })

  it('to a reader that reads nothing waits for a second, and is then dropped, with a limit on what is kept', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
    const { stream, reader } = pipe()
    let onNotice = (_: string): void => {}
    const { output: stdout, notices } = output(stream, (notice) => onNotice(notice))
    const room = fill(stdout)
    await vi.advanceTimersByTimeAsync(1_000)
    await room
    expect(notices).toEqual([])
    for (let count = 0; count < 100; count += 1) {
      expect(stdout.write(Buffer.alloc(65_536))).toBeUndefined()
    }
    expect(stdout.waiting).toBeLessThan(MEBIBYTE + 65_536)
    expect(notices).toEqual([expect.stringContaining('its reader has read nothing for 1 s')])
    vi.advanceTimersByTime(1_000)
    const again = new Promise((resolve) => {
      onNotice = resolve
    })
    reader.resume()
    expect(await again).toMatch(/^stdout can be written again; \d+ bytes of output were dropped$/)
  })
})

function fill(stdout: OwnOutput): Promise<void> {
  for (let count = 0; count < 100; count += 1) {
    const room = stdout.write(Buffer.alloc(65_536))
    if (room !== undefined) return room
  }
  throw new Error('it never asked to wait')
}

function pipe(): { stream: Stream; reader: Socket; readEnd: number } {
  const { readEnd, writeEnd } = openPipe()
  const stream = new Socket({ fd: writeEnd, readable: false, writable: true })
  // As Node's own stdout: an error does not close it.
  stream._destroy = (error, callback) => callback(error)
  cleanups.push(() => stream.destroy())
  let reader: Socket | undefined
  return {
    stream: Object.assign(stream, { fd: writeEnd }) as unknown as Stream,
    readEnd,
    get reader() {
      if (reader === undefined) {
        reader = new Socket({ fd: readEnd, readable: true, writable: false })
        cleanups.push(() => reader?.destroy())
      }
      return reader
    },
  }
}
