import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import getReleasePlan from '@changesets/get-release-plan'
import { describe, expect, onTestFinished, test } from 'vitest'
import { manifestOf, ROOT, readRoot } from '../../src/docs/documents.ts'
import { links } from '../../src/docs/markdown.ts'
import { PUBLISHED } from '../../src/docs/published.ts'

const CONFIG = '.changeset/config.json'

const PRIVATE = ['packages/testkit', 'packages/ws/versions', 'examples/koa']

/** A repository with the manifests of this one and no change set. */
function copyOfManifests(): string {
  const root = mkdtempSync(join(tmpdir(), 'socket-port-changes-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const files = [
    'package.json',
    'pnpm-workspace.yaml',
    CONFIG,
    ...[...PUBLISHED.map(({ folder }) => folder), ...PRIVATE].map(
      (folder) => `${folder}/package.json`,
    ),
  ]
  for (const file of files) cpSync(join(ROOT, file), join(root, file), { recursive: true })
  return root
}

/** What the next release moves. The plan also names private packages that depend on these; they stay as they are. */
async function planned(root: string) {
  const { changesets, releases } = await getReleasePlan(root)
  return { changesets, releases: releases.filter(({ type }) => type !== 'none') }
}

const changeSet = (root: string, text: string): void =>
  writeFileSync(join(root, '.changeset/some-words.md'), text)

describe('the change sets', () => {
  test('name packages of this repository and make a plan for a release', async () => {
    const { changesets, releases } = await planned(ROOT)
    const published = PUBLISHED.map(({ name }) => name)
    expect(published).toEqual(expect.arrayContaining(releases.map(({ name }) => name)))
    for (const { summary, id } of changesets) expect(summary, id).toMatch(/\w+ \w+.*\.$/s)
  })

  // An optional peer dependency on a package of ours that left its range would make it 1.0.0.
  test('move all packages to the next minor version', async () => {
    const root = copyOfManifests()
    changeSet(root, '---\n"@socket-port/koa": minor\n---\n\nSome words.\n')
    const { releases } = await planned(root)
    expect(releases.map(({ name }) => name).sort()).toEqual(
      PUBLISHED.map(({ name }) => name).sort(),
    )
    const [major, minor] = manifestOf('packages/core').version.split('.').map(Number)
    const next = `${major}.${Number(minor) + 1}.0`
    expect(new Set(releases.map(({ newVersion }) => newVersion))).toEqual(new Set([next]))
  })

  test.each([
    ['a package that does not exist', '---\n"@socket-port/kao": minor\n---\n\nSome words.\n'],
    ['no front matter', 'Some words.\n'],
  ])('are refused with %s', async (_what, text) => {
    const root = copyOfManifests()
    changeSet(root, text)
    await expect(getReleasePlan(root)).rejects.toThrow()
  })
})

describe('the changelogs', () => {
  test('are all listed in CHANGELOG.md', () => {
    const listed = links(readRoot('CHANGELOG.md')).filter((target) =>
      target.startsWith('packages/'),
    )
    expect(listed.map(dirname).sort()).toEqual(PUBLISHED.map(({ folder }) => folder).sort())
  })

  test.each(PUBLISHED)('of $name speaks of its version', ({ folder, name }) => {
    const [title, version] = readRoot(`${folder}/CHANGELOG.md`).split('\n\n')
    expect([title, version]).toEqual([`# ${name}`, `## ${manifestOf(folder).version}`])
  })
})
