import { fstatSync, openSync } from 'node:fs'
import { bindFd } from '@socket-port/core/supervisor'
import { libc } from '@socket-port/testkit/libc'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { FdStore } from './fd-store.ts'
import { inodeOf } from './sockets.ts'

const store = new FdStore()
afterEach(() => store.close())

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

const nothing: ReadonlySet<bigint> = new Set()

describe(...requireOrSkip('FdStore', linuxSkipReason()), () => {
  it('keeps listening sockets for every worker, and other descriptors for the first', async () => {
    const listener = await bindFd({ port: 0, host: '127.0.0.1' })
    store.add('web', [listener], nothing)
    store.add('file', [openSync('/dev/null', 'r')], nothing)
    expect(store.for(1).map(({ name }) => name)).toEqual(['web', 'file'])
    expect(store.for(2).map(({ name }) => name)).toEqual(['web'])
  })

  it('keeps nothing twice, and nothing that is passed anyway', async () => {
    const fd = await bindFd({ port: 0, host: '127.0.0.1' })
    const [kept, again] = [await bindFd({ port: 0, host: '127.0.0.1' }), openSync('/dev/null', 'r')]
    store.add('web', [fd, again], new Set([inodeOf(kept)]))
    store.add('web', [openSync('/dev/null', 'r')], nothing)
    store.add('web', [kept], new Set([inodeOf(kept)]))
    expect(store.all.map(({ fd }) => fd)).toEqual([fd, again])
    expect(isOpen(kept)).toBe(false)
  })

  it('keeps each descriptor that is no file, although all of these have one inode', () => {
    const watchers = [libc.eventfd(0, 0), libc.eventfd(0, 0)]
    store.add('watch', watchers, nothing)
    expect(store.all.map(({ fd }) => fd)).toEqual(watchers)
  })

  it('keeps a file whose inode has the number of a socket that is passed anyway', () => {
    const file = openSync('/dev/null', 'r')
    store.add('file', [file], new Set([inodeOf(file)]))
    expect(store.all.map(({ fd }) => fd)).toEqual([file])
  })

  it.each([[undefined], ['a:b'], [''], ['x'.repeat(256)], ['\u00e9']])('%j is no name', (name) => {
    store.add(name, [openSync('/dev/null', 'r')], nothing)
    expect(store.all.map((stored) => stored.name)).toEqual(['stored'])
  })

  it('closes a descriptor that is removed', () => {
    const [first, second] = [openSync('/dev/null', 'r'), openSync('/dev/zero', 'r')]
    store.add('a', [first], nothing)
    store.add('b', [second], nothing)
    store.remove('a')
    store.remove('unheard of')
    expect([isOpen(first), isOpen(second)]).toEqual([false, true])
    expect(store.all.map(({ name }) => name)).toEqual(['b'])
  })

  it('closes descriptors beyond its size', () => {
    const fds = Array.from({ length: 3 }, () => openSync('/proc/self/stat', 'r'))
    store.add('a', fds, nothing)
    store.close()
    expect(fds.map(isOpen)).toEqual([false, false, false])
  })
})
