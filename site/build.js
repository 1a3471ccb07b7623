// Builds the site: the documents of the repository, and the API from the docstrings. Then it follows every link.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vitepress'
import { writeApi } from './api.js'
import { brokenLinks } from './check.js'
import { SITE } from './paths.js'
import { stage } from './stage.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const { files } = JSON.parse(readFileSync(`${here}tsconfig.api.json`, 'utf8'))

stage()
await writeApi(files.map((file) => join(here, file)))
await build(here)
const { pages, links, broken } = brokenLinks(SITE)
for (const { page, target } of broken) console.error(`${page}: ${target} leads nowhere`)
console.log(`${pages} pages, ${links} links, ${broken.length} broken: ${SITE}index.html`)
if (broken.length > 0) process.exit(1)
