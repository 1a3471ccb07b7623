import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

// `sideEffects` of package.json is for programs that import from here; these files have some.
const treeshake = {
  moduleSideEffects: [{ test: /refuse-runtime|register\/preload/, sideEffects: true }],
}

// For a module of its own that is imported, Node makes a copy of every export, and so loads what the export is made
// from: parts of Node that no start needs, for more than a millisecond. process.getBuiltinModule makes no copy.
const builtInModules = {
  name: 'built-in-modules',
  renderChunk(code) {
    const found = [...code.matchAll(/^import (\w+|\{[^}]*\}) from "(node:[^"]+)";\n/gm)]
    const constants = found
      .map(
        ([, names, id]) =>
          `const ${names.replaceAll(' as ', ': ')} = process.getBuiltinModule("${id}");\n`,
      )
      .join('')
    const rest = found.reduce((text, [statement]) => text.replace(statement, ''), code)
    const at = afterRefusal(rest)
    return rest.slice(0, at) + constants + rest.slice(at)
  },
}

// An unsupported runtime may have no process.getBuiltinModule, and must first be refused with a clear sentence.
function afterRefusal(code) {
  const refusal = code.indexOf('// src/base/refuse-runtime.ts\n')
  if (refusal >= 0) return code.indexOf('\n// src/', refusal) + 1
  const imports = [...code.matchAll(/^import .*;\n/gm)]
  return imports.reduce((end, { index, 0: { length } }) => Math.max(end, index + length), 0)
}

// V8 keeps a file with one character above U+00FF as two bytes for each, and then takes longer to read it. Not in
// renderChunk: rolldown prints the strings once more after it.
const ascii = {
  name: 'ascii',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      chunk.code = chunk.code
        .replace(/^[ \t]*(?:\/?\*|\/\/).*$/gm, (comment) => comment.replaceAll('…', '...'))
        .replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    }
  },
}

const common = {
  platform: 'node',
  external: /^node:/,
  treeshake,
  plugins: [builtInModules, ascii],
}

const output = { dir: 'dist', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' }

const inputs = (...names) => Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]))

const read = (file) => readFileSync(`src/${file}`, 'utf8')

// The files that index.ts and adapter.ts export from. rolldown adds all that they import statically.
const exported = ['index.ts', 'adapter.ts'].flatMap((face) =>
  [...read(face).matchAll(/'\.(\/[^']+\.ts)'/g)].map(([, file]) => `/src${file}`),
)

// What base/later.ts loads when a server listens.
const loadedLater = readdirSync('src', { recursive: true }).flatMap((file) =>
  /(?<!\.test)\.ts$/.test(file)
    ? [...read(file).matchAll(/later\(\(\) => import\('\.(\/[^']+)'\)\)/g)].map(
        ([, path]) => `/src/${dirname(file)}${path}`,
      )
    : [],
)

const endsWithOneOf = (files) => (id) => files.some((file) => id.endsWith(file))

// New connections wait for the start of a process, and each further module costs it a fraction of a millisecond. So
// what a start needs is one file, chunks/core.js, which the entries share: index.js and adapter.js export from it. What
// is loaded when a server listens is another one, and what is needed rarely is in files of its own.
const groups = [
  { name: 'core', test: endsWithOneOf(exported), priority: 2 },
  { name: 'later', test: endsWithOneOf(loadedLater), priority: 1 },
]

// It exports nothing. TypeScript would write a declaration for an ES module.
const emptyTypes = {
  name: 'empty-types',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'register.d.cts', source: 'export {}\n' })
  },
}

export default [
  {
    ...common,
    input: {
      ...inputs('index', 'adapter', 'diagnose', 'kill-port'),
      'register/serving': 'src/register/serving.ts',
    },
    output: { ...output, cleanDir: true, codeSplitting: { groups } },
  },
  // The command loads these without the others, and any version of Node loads runtime.js. So they share no file; what
  // belongs to the process hangs on globalThis.
  { ...common, input: inputs('supervisor'), output: { ...output, codeSplitting: false } },
  { ...common, input: inputs('runtime'), output },
  // CommonJS, which `--require` can load too. It loads register/serving.js when a server listens.
  {
    ...common,
    input: inputs('register'),
    external: [/^node:/, './register/serving.js'],
    plugins: [emptyTypes],
    output: { ...output, format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false },
  },
]
