import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { BASE } from './paths.js'

/** Follows each link within a built site, to its file and to its heading. */
export function brokenLinks(folder) {
  const pages = readdirSync(folder, { recursive: true })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.html'))
  const texts = new Map(pages.map((page) => [page, readFileSync(join(folder, page), 'utf8')]))
  const all = pages.flatMap((page) =>
    [...texts.get(page).matchAll(/<[a-z][^>]* (?:href|src)="([^"]*)"/g)]
      .map(([, target]) => ({ page, target: target.replaceAll('&amp;', '&') }))
      .filter(({ target }) => !/^(?:\w+:|\/\/)/.test(target)),
  )
  const leads = ({ page, target }) => {
    const [path, anchor] = target.split('#')
    if (path.startsWith('/') && !path.startsWith(BASE)) return false
    const at = path.startsWith('/')
      ? path.slice(BASE.length)
      : posix.join(posix.dirname(page), path)
    const file =
      path === ''
        ? page
        : [at, `${at}.html`, posix.join(at, 'index.html')].find((one) => isFile(folder, one))
    if (file === undefined) return false
    return !anchor || texts.get(file)?.includes(` id="${decodeURIComponent(anchor)}"`) === true
  }
  return { pages: pages.length, links: all.length, broken: all.filter((link) => !leads(link)) }
}

const isFile = (folder, path) => /\.\w+$/.test(path) && existsSync(join(folder, path))
