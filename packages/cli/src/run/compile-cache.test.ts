import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CachePlace, cachePlaces, compileCache, privateFolder } from './compile-cache.ts'

const NOBODY = 65_534

let base: string
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'socket-port-cache-')))
})
afterEach(() => rmSync(base, { recursive: true }))

const names = ['socket-port', 'compile-cache']
const place = (): CachePlace => ({ base, names })
const folder = (): string => join(base, ...names)
const modeOf = (path: string): number => statSync(path).mode & 0o777

/** The folder for the processes, and the warnings, with this environment and these places. */
function found(env: NodeJS.ProcessEnv, places: readonly CachePlace[]) {
  const warnings: string[] = []
  const open = compileCache({ env, places, warn: (message) => void warnings.push(message) })
  return { open, warnings }
}

describe(...requireOrSkip('the compile cache', linuxSkipReason()), () => {
  it('is a new folder that this user alone can open, whatever the umask', () => {
    const before = process.umask(0)
    const { open, warnings } = found({}, [place()])
    try {
      expect(open()).toBe(folder())
    } finally {
      process.umask(before)
    }
    expect([modeOf(folder()), modeOf(join(base, 'socket-port'))]).toEqual([0o700, 0o700])
    expect(warnings).toEqual([])
  })

  it('is created again for the next generation', () => {
    const { open } = found({}, [place()])
    open()
    rmSync(join(base, 'socket-port'), { recursive: true })
    expect(open()).toBe(folder())
    expect(existsSync(folder())).toBe(true)
  })

  it.each([
    { NODE_COMPILE_CACHE: '/elsewhere' },
    { NODE_COMPILE_CACHE: '' },
    { NODE_DISABLE_COMPILE_CACHE: '1' },
    { NODE_V8_COVERAGE: '/coverage' },
  ])('is left to the user who has set %j', (env) => {
    const { open, warnings } = found(env, [place()])
    expect(open()).toBeUndefined()
    expect(warnings).toEqual([])
    expect(readdirSync(base)).toEqual([])
  })

  it('is left out without a warning if no folder can be created', () => {
    writeFileSync(join(base, 'file'), '')
    const nowhere = { base: join(base, 'nowhere'), names }
    const { open, warnings } = found({}, [nowhere, { base: join(base, 'file'), names: ['x'] }])
    expect(open()).toBeUndefined()
    expect(warnings.join()).not.toContain('nowhere')
  })

  it('is in the next place if the first one is refused or cannot be created', () => {
    mkdirSync(join(base, 'open'))
    chmodSync(join(base, 'open'), 0o777)
    const others = [
      { base: join(base, 'nowhere'), names },
      { base: join(base, 'open'), names },
    ]
    const { open, warnings } = found({}, [...others, place()])
    expect(open()).toBe(folder())
    expect(warnings).toEqual([])
  })

  it('is in a folder that the user has moved, behind a symlink', () => {
    mkdirSync(join(base, 'moved'))
    symlinkSync(join(base, 'moved'), join(base, 'cache'))
    const { open } = found({}, [{ base: join(base, 'cache'), names }])
    expect(open()).toBe(join(base, 'moved', ...names))
  })
})

describe(
  ...requireOrSkip('a folder into which another user could put code', linuxSkipReason()),
  () => {
    function expectRefused(why: RegExp): void {
      const { open, warnings } = found({}, [place()])
      expect([open(), open()]).toEqual([undefined, undefined])
      expect(warnings).toHaveLength(1)
      expect(warnings[0]).toMatch(/^Node keeps no compiled code: '.*Pass --no-compile-cache, or /)
      expect(warnings[0]).toMatch(why)
    }

    it.each([0o770, 0o707, 0o755, 0o1777])('is refused: mode %o', (mode) => {
      mkdirSync(folder(), { recursive: true })
      chmodSync(folder(), mode)
      expectRefused(/compile-cache' (is open to|can be changed by) other users/)
    })

    it.each([0o777, 0o770, 0o702])('is refused below a folder of mode %o', (mode) => {
      mkdirSync(join(base, 'socket-port'))
      chmodSync(join(base, 'socket-port'), mode)
      expectRefused(/socket-port' can be changed by other users.* chmod go-w /)
      expect(existsSync(folder())).toBe(false)
    })

    it('is refused, and nothing is created there, below a shared folder above', () => {
      chmodSync(base, 0o777)
      expectRefused(/socket-port-cache-\w+' can be changed by other users/)
      expect(readdirSync(base)).toEqual([])
    })

    it.each(['socket-port', 'compile-cache'])('is refused: a symlink for %s', (name) => {
      const target = join(base, 'target')
      mkdirSync(target, { mode: 0o700 })
      const link = join(base, ...names.slice(0, names.indexOf(name) + 1))
      mkdirSync(join(link, '..'), { recursive: true, mode: 0o700 })
      symlinkSync(target, link)
      expectRefused(/ is a symlink/)
      expect(readdirSync(target)).toEqual([])
    })

    it('is refused: a file', () => {
      writeFileSync(join(base, 'socket-port'), '')
      expectRefused(/ is no folder/)
    })

    it('is accepted below a shared folder with the sticky bit, such as /tmp', () => {
      chmodSync(base, 0o1777)
      expect(privateFolder(place())).toBe(folder())
    })

    describe(...requireOrSkip('that belongs to another user', rootSkipReason()), () => {
      it.each(['', 'socket-port', 'socket-port/compile-cache'])('is refused: %j', (path) => {
        mkdirSync(folder(), { recursive: true, mode: 0o700 })
        chownSync(join(base, path), NOBODY, NOBODY)
        expectRefused(/ belongs to user 65534/)
      })

      it('is refused for that user if it belongs to root', () => {
        mkdirSync(folder(), { recursive: true, mode: 0o700 })
        expect(() => privateFolder(place(), NOBODY)).toThrow(/ belongs to user 0/)
      })
    })
  },
)

describe('the places of a compile cache', () => {
  const at = (env: NodeJS.ProcessEnv): string[] =>
    cachePlaces(env, ['/run/socket-port']).map(({ base, names }) => join(base, ...names))

  it.each<[NodeJS.ProcessEnv, string[]]>([
    [{ HOME: '/home/me' }, ['/home/me/.cache/socket-port/compile-cache']],
    [{ HOME: '/home/me', XDG_CACHE_HOME: '/cache' }, ['/cache/socket-port/compile-cache']],
    [{ HOME: '/home/me', XDG_CACHE_HOME: 'x' }, ['/home/me/.cache/socket-port/compile-cache']],
    [{ HOME: '' }, []],
  ])('%j: %j, then beside the control sockets', (env, first) => {
    expect(at(env)).toEqual([...first, '/run/socket-port/compile-cache'])
  })

  it('may have to be created, but not a whole home', () => {
    const [first] = cachePlaces({ HOME: '/nonexistent' }, ['/run/socket-port'])
    expect(first?.base).toBe('/nonexistent')
  })
})
