import { describe, expect, test } from 'vitest'
import { readRoot } from '../../src/docs/documents.ts'
import { PUBLISHED } from '../../src/docs/published.ts'

const REPOSITORY = 'https://github.com/socket-port/socket-port'

describe.each(PUBLISHED)('the manifest of $name', ({ folder, name }) => {
  const manifest = JSON.parse(readRoot(`${folder}/package.json`))

  test('says who makes it, and where it is from', () => {
    expect(manifest).toMatchObject({
      name,
      license: 'MIT',
      author: 'The socket-port authors',
      homepage: `${REPOSITORY}/tree/main/${folder}#readme`,
      repository: { type: 'git', url: `git+${REPOSITORY}.git`, directory: folder },
      bugs: { url: `${REPOSITORY}/issues` },
      publishConfig: { access: 'public', provenance: true },
      engines: JSON.parse(readRoot('package.json')).engines,
    })
    expect(readRoot('LICENSE')).toContain(manifest.author)
  })

  test('has the words by which it is found, each once', () => {
    const { keywords } = manifest
    expect(new Set(keywords).size).toBe(keywords.length)
    const common = ['restart', 'zero-downtime', 'graceful-shutdown', 'socket-activation', 'systemd']
    expect(keywords).toEqual(expect.arrayContaining(common))
  })
})
