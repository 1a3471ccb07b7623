import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { ROOT } from '../../src/docs/documents.ts'

/** What it uses of the check that `pnpm run site` makes. */
interface Check {
  brokenLinks(folder: string): { pages: number; links: number; broken: object[] }
}

test('a site with a link to no page, file or heading is not accepted', async () => {
  const url = pathToFileURL(join(ROOT, 'site/check.js')).href
  const { brokenLinks }: Check = await import(/* @vite-ignore */ url)
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-site-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  write('style.css', '')
  write('docs/drain.html', '<h2 id="delay">Delay</h2><a href="../">up</a>')
  const sound = [
    '/socket-port/docs/drain',
    '/socket-port/docs/drain#delay',
    '/socket-port/docs/drain.html',
    './docs/drain',
    '#here',
    '/socket-port/style.css',
    'https://example.org/docs',
  ]
  const broken = [
    '/docs/drain',
    '/socket-port/docs/drian',
    'docs/drain#dealy',
    '#there',
    './style.js',
  ]
  const links = [...sound, ...broken].map((target) => `<a class="x" href="${target}">…</a>`)
  write('index.html', `<h1 id="here">Start</h1>${links.join('\n')}`)
  expect(brokenLinks(folder)).toMatchObject({
    pages: 2,
    broken: broken.map((target) => ({ page: 'index.html', target })),
  })
})
