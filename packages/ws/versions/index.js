import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))

/** The server class of each minor version of `ws` 8, by the version. */
export const versions = Object.fromEntries(
  Object.entries(dependencies).map(([name, alias]) => [
    alias.split('@').pop(),
    require(name).Server,
  ]),
)
