import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import { debianMirrors } from '@socket-port/testkit/systemd/apt-sources'
import { debianRoot } from '@socket-port/testkit/systemd/debian-root'
import { releaseSkipReason } from '@socket-port/testkit/systemd/index'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'socket-port-root-test-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

describe('the mirrors in the sources of apt', () => {
  beforeEach(() => {
    mkdirSync(join(folder, 'sources.list.d'))
    write('os-release', 'ID=debian\nVERSION_CODENAME=bookworm\n')
  })

  const mirrors = (): string[] => debianMirrors(folder, join(folder, 'os-release'))

  test('are those of Debian itself, in both formats', () => {
    write(
      'sources.list',
      [
        '# deb http://comment.test/debian bookworm main',
        'deb-src http://source.test/debian bookworm main',
        'deb [arch=amd64 signed-by=/k.gpg] http://one.test/debian/ bookworm contrib main # ours',
        'deb http://security.test/debian-security bookworm-security main',
        'deb http://flat.test/ ./',
      ].join('\n'),
    )
    write(
      'sources.list.d/a.sources',
      [
        'Types: deb deb-src\n# a comment\nURIs: http://two.test/debian\n https://three.test/debian',
        'Suites: stable stable-updates\nComponents: main\n',
        '\nTypes: deb\nURIs: https://other.test/node\nSuites: nodistro\nComponents: main\n',
        '\nEnabled: no\nTypes: deb\nURIs: http://off.test/debian\nSuites: bookworm\nComponents: main',
      ].join('\n'),
    )
    write(
      'sources.list.d/b.list',
      'deb cdrom:[x]/ bookworm main\ndeb http://one.test/debian sid main',
    )
    write('sources.list.d/c.list.save', 'deb http://saved.test/debian bookworm main')
    expect(mirrors()).toEqual([
      'http://one.test/debian',
      'http://two.test/debian',
      'https://three.test/debian',
    ])
  })

  test('are none where the machine is no Debian, or has no apt', () => {
    expect(mirrors()).toEqual([])
    write('os-release', 'ID=ubuntu\nVERSION_CODENAME=noble\n')
    write('sources.list', 'deb http://ubuntu.test/ubuntu noble-updates main\n')
    expect(mirrors()).toEqual([])
  })
})

describe(...requireOrSkip('the root of a release', await releaseSkipReason('trixie')), () => {
  beforeEach(() => {
    mkdirSync(join(folder, 'bin'))
    vi.stubEnv('PATH', `${join(folder, 'bin')}:${process.env.PATH}`)
    vi.stubEnv('TMPDIR', folder)
    vi.stubEnv('COUNT', join(folder, 'count'))
    vi.spyOn(console, 'error').mockReturnValue()
    command('wget', 'true')
    command('debootstrap', BUILDS)
  })

  function command(name: string, script: string): void {
    write(`bin/${name}`, `#!/bin/sh\nset -eu\n${script}\n`)
    chmodSync(join(folder, 'bin', name), 0o755)
  }

  const builds = (): string => readFileSync(join(folder, 'count'), 'utf8')
  const left = (): string[] =>
    readdirSync(join(folder, 'socket-port-roots')).filter((name) => !/\.(lock|log)$/.test(name))

  test('is built once, however many want it', async () => {
    const roots = await Promise.all([1, 2, 3].map(() => debianRoot('trixie')))
    expect(new Set([...roots, await debianRoot('trixie')]).size).toBe(1)
    expect(readdirSync(roots[0] ?? '')).toEqual(expect.arrayContaining(['etc', 'usr', 'var']))
    expect(builds()).toBe('built\n')
    expect(left()).toHaveLength(1)
  })

  test('is built again once a file of it is gone', async () => {
    const root = await debianRoot('trixie')
    rmSync(join(root, 'usr'), { recursive: true })
    expect(await debianRoot('trixie')).toBe(root)
    expect(readdirSync(root)).toContain('usr')
    expect(builds()).toBe('built\nbuilt\n')
  })

  test('says why it could not be built, leaves nothing, and can be built later', async () => {
    command('debootstrap', `${BUILDS}\n[ "$1" = --version ] || { echo E: no such key; exit 1; }`)
    await expect(debianRoot('trixie')).rejects.toThrow(
      /^debootstrap could not build Debian trixie from http.*: E: no such key$/,
    )
    expect(left()).toEqual([])
    command('debootstrap', BUILDS)
    await debianRoot('trixie')
    expect(left()).toHaveLength(1)
  })

  test('replaces what a build left that was killed', async () => {
    const root = await debianRoot('trixie')
    const kept = dirname(root)
    renameSync(kept, `${kept}.new`)
    writeFileSync(join(`${kept}.new`, 'root', 'half'), '')
    expect(await debianRoot('trixie')).toBe(root)
    expect(readdirSync(root)).not.toContain('half')
    expect(left()).toEqual([basename(kept)])
  })

  test('names the mirror that has not got the release', async () => {
    command('wget', 'echo failed: no route to host >&2; exit 4')
    await expect(debianRoot('trixie')).rejects.toThrow(
      /^no mirror of apt's sources gives Debian trixie: .*InRelease\nfailed: no route to host$/,
    )
  })
})

/** The options come first, then release, root and mirror. */
const BUILDS = `
[ "$1" = --version ] && exit
echo built >> "$COUNT"
while [ "$1" != "$release" ]; do shift; done
mkdir -p "$2/etc" "$2/usr/bin" "$2/var/cache/apt/archives" "$2/var/lib/apt/lists"
`
