import { dts } from 'rollup-plugin-dts'
import { entriesOf } from './rolldown.config.js'

// A package has one declaration for each entry, and one for each set of types that entries share: a class that two
// entries declared would be two types. It runs in the folder of the package, after its JavaScript is built.
export default {
  input: entriesOf('types', '.d.ts'),
  output: {
    dir: 'dist',
    entryFileNames: '[name].d.ts',
    chunkFileNames: ({ name }) => `chunks/${name.replace('.d', '')}.d.ts`,
  },
  // What other packages declare stays an import: their types must be the ones that the program has.
  external: /^[^./]/,
  plugins: [dts()],
  onwarn({ message }) {
    throw new Error(message)
  },
}
