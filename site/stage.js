import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { DOCUMENTS, PAGES, pageOf, REPOSITORY, ROOT } from './paths.js'

const BLOB = `${REPOSITORY}/blob/main/`

/** Copies the documents, so that their links lead to pages of the site, and else to the repository. */
export function stage() {
  rmSync(PAGES, { recursive: true, force: true })
  for (const file of DOCUMENTS) {
    const target = `${PAGES}${pageOf(file)}`
    mkdirSync(posix.dirname(target), { recursive: true })
    writeFileSync(target, withLinks(readFileSync(`${ROOT}${file}`, 'utf8'), file))
  }
  for (const file of readdirSync(`${ROOT}docs`)) {
    if (file.endsWith('.svg')) cpSync(`${ROOT}docs/${file}`, `${PAGES}docs/${file}`)
  }
}

// Blocks and spans of code come first: what looks like a link in them is none.
const CODE_OR_LINK = /^(```+)[\s\S]*?^\1|(`+)[^`][\s\S]*?\2|(\]\()([^)\s]+)(?=\))/gm

const withLinks = (markdown, file) =>
  markdown.replace(CODE_OR_LINK, (whole, _fence, _tick, open, target) =>
    open === undefined ? whole : `${open}${newTarget(target, file)}`,
  )

function newTarget(target, file) {
  const local = target
    .replace(BLOB, '/')
    .replace(`${REPOSITORY}#readme`, '/README.md')
    .replace(`${REPOSITORY}#`, '/README.md#')
  if (/^(?:\w+:|#)/.test(local)) return target
  const [path, anchor] = local.split('#')
  const at = path.startsWith('/') ? path.slice(1) : posix.join(posix.dirname(file), path)
  const hash = anchor === undefined ? '' : `#${anchor}`
  const document = [at, posix.join(at, 'README.md')].find((one) => DOCUMENTS.includes(one))
  if (document !== undefined) return `/${pageOf(document).replace(/(?:\bindex)?\.md$/, '')}${hash}`
  return at.endsWith('.svg') ? `/${at}` : `${BLOB}${at}${hash}`
}
