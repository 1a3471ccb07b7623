import { readFileSync } from 'node:fs'

// For the packages that have no rolldown.config.js of their own, in whose folders it runs. Each module costs a start a
// fraction of a millisecond, so a package has one file for each entry, and one for what entries share.
export default {
  input: entriesOf('default', '.js'),
  platform: 'node',
  external: /^[^./]/,
  output: {
    dir: 'dist',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    cleanDir: true,
  },
}

/** The sources of the package in whose folder this runs, by the names of the files that `exports` gives for them. */
export function entriesOf(condition, extension) {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
  const files = Object.values(exports).map((entry) => entry[condition] ?? '')
  const names = files
    .filter((file) => file.endsWith(extension))
    .map((file) => file.slice('./dist/'.length, -extension.length))
  return Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]))
}
