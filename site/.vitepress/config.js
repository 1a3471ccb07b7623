import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'
import { BASE, DOCUMENTS, PAGES, PUBLISHED, pageOf, REPOSITORY, SITE } from '../paths.js'

const titleOf = (page) => {
  const [, title = page] = /^# (.+)$/m.exec(readFileSync(`${PAGES}${page}`, 'utf8')) ?? []
  return title.replace(/`/g, '').replace(/\\(.)/g, '$1')
}
const item = (document, text = titleOf(pageOf(document))) => ({
  text,
  link: `/${pageOf(document).replace(/(?:\bindex)?\.md$/, '')}`,
})
const group = (text, pages) => ({ text, collapsed: false, items: pages.map((page) => item(page)) })

const TO_UNDERSTAND = ['drain', 'handover', 'long-lived', 'guarantees', 'comparison', 'history']
const TO_CHANGE_IT = ['architecture', 'adapters']
const TO_LOOK_UP = ['api', 'errors', 'diagnosis', 'troubleshooting']
const named = (names) =>
  names.map((name) => `docs/${name}.md`).filter((page) => DOCUMENTS.includes(page))
const elsewhere = named([...TO_UNDERSTAND, ...TO_CHANGE_IT, ...TO_LOOK_UP])
const guides = DOCUMENTS.filter(
  (page) => page.startsWith('docs/') && !page.endsWith('.zh.md') && !elsewhere.includes(page),
)
const api = readdirSync(`${PAGES}api`, { recursive: true })
  .map((file) => `api/${file}`)
  .filter((file) => file.endsWith('.md') && file !== 'api/index.md')
  .sort()

// Links in the documents name headings as GitHub does.
const asOnGitHub = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-')

export default defineConfig({
  title: 'socket-port',
  description: 'Restart a Node server without dropping a request.',
  lang: 'en',
  base: BASE,
  srcDir: PAGES,
  outDir: SITE,
  ignoreDeadLinks: 'localhostLinks',
  markdown: {
    languageAlias: { cjs: 'js' },
    anchor: { slugify: asOnGitHub },
    toc: { slugify: asOnGitHub },
  },
  themeConfig: {
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/' },
      { text: 'API', link: '/api/' },
      item('CHANGELOG.md'),
      item('README.zh.md', '中文'),
    ],
    sidebar: [
      { text: 'Start', link: '/' },
      group(
        'Packages',
        PUBLISHED.map((folder) => `packages/${folder}/README.md`),
      ),
      group('How to', guides),
      group('How it works', named(TO_UNDERSTAND)),
      group('To look up', named(TO_LOOK_UP)),
      { text: 'API', collapsed: true, items: api.map((page) => item(page)) },
      group('To change it', [
        'CONTRIBUTING.md',
        ...named(TO_CHANGE_IT),
        'bench/README.md',
        'SECURITY.md',
      ]),
    ],
  },
})
