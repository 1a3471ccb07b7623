// As in `engines` of package.json.
const OLDEST = [20, 19] as const

/**
 * Says in one sentence why this program cannot run here; `undefined` if it can. Pure. The file imports
 * nothing, so that any version of Node can load it.
 */
export function whyUnsupported(
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): string | undefined {
  const needs = `socket-port needs Node.js ${OLDEST.join('.')} or later`
  const other = versions.bun === undefined ? 'deno' : 'bun'
  const version = versions[other]
  if (version !== undefined) {
    const name = other === 'bun' ? 'Bun' : 'Deno'
    return `${needs}, and this is ${name} ${version}, which has other sockets and signals: start the program with node`
  }
  const { node = '0.0' } = versions
  const [major = 0, minor = 0] = node.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined
  return `${needs}, and this is Node.js ${node}: start the program with a newer node`
}
