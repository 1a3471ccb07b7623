import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The names that Debian gives a release by its state. A source may have one of them in place of the codename. */
const STATES = ['unstable', 'testing', 'stable', 'oldstable', 'oldoldstable']

/**
 * Returns the URIs from which apt of this machine gets Debian itself, in the order of its sources; none on another
 * distribution. Archives of third parties, and those of Debian for updates and security, contain no whole release.
 */
export function debianMirrors(apt = '/etc/apt', osRelease = '/etc/os-release'): string[] {
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(textOf(osRelease))?.[1]
  const names = ['sources.list', ...listOf(join(apt, 'sources.list.d'))]
  const entries = names.flatMap((name) => {
    const text = textOf(join(apt, name))
    if (name.endsWith('.sources')) return text.split(/\n\s*\n/).map(readStanza)
    return name.endsWith('.list') ? text.split('\n').map(readLine) : []
  })
  const suites = [codename, ...STATES]
  const uris = entries.flatMap((entry) =>
    entry.components.includes('main') && entry.suites.some((suite) => suites.includes(suite))
      ? entry.uris
      : [],
  )
  return [...new Set(uris.filter((uri) => /^https?:/.test(uri)).map(withoutSlash))]
}

interface Entry {
  uris: string[]
  suites: string[]
  components: string[]
}

const NOTHING: Entry = { uris: [], suites: [], components: [] }

/** One line of a `.list`, as sources.list(5) has it: `deb [options] uri suite component…`. */
function readLine(line: string): Entry {
  const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line)
  if (match === null) return NOTHING
  const [, uri = '', suite = '', components = ''] = match
  return { uris: [uri], suites: [suite], components: words(components) }
}

/** One stanza of a `.sources`, the deb822 format of sources.list(5). */
function readStanza(stanza: string): Entry {
  const text = stanza.replace(/^#.*\n?/gm, '')
  const field = (name: string): string[] =>
    words(new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(text)?.[1] ?? '')
  if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return NOTHING
  return { uris: field('URIs'), suites: field('Suites'), components: field('Components') }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(Boolean)
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, '')
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join('sources.list.d', name))
  } catch {
    return []
  }
}
