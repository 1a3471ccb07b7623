import { readdirSync } from 'node:fs'
import { dts } from 'rollup-plugin-dts'

// Its declaration is written by rolldown.config.js.
const entries = readdirSync('src')
  .filter((file) => file.endsWith('.ts') && file !== 'register.ts')
  .map((file) => file.replace('.ts', ''))

// tsc has written a declaration for each file of src. The package has one for each entry, and one for each set of types
// that entries share: a class that two entries declared would be two types.
export default {
  input: Object.fromEntries(entries.map((name) => [name, `build/types/${name}.d.ts`])),
  output: {
    dir: 'dist',
    entryFileNames: '[name].d.ts',
    chunkFileNames: ({ name }) => `chunks/${name.replace('.d', '')}.d.ts`,
  },
  external: /^node:/,
  plugins: [dts()],
  onwarn({ message }) {
    throw new Error(message)
  },
}
