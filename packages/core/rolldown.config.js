// package.json has `sideEffects: false`, for programs that import from here; this one file has them.
const treeshake = { moduleSideEffects: [{ test: /refuse-runtime/, sideEffects: true }] }

const common = { platform: 'node', external: /^node:/, treeshake }

// One file for each entry: each further module costs every process some half a millisecond when it
// starts, which is what newcomers wait for during a restart. So the entries share no chunk; what
// belongs to the process hangs on globalThis.
export default [
  {
    ...common,
    input: 'src/index.ts',
    output: { dir: 'dist', entryFileNames: 'index.js', cleanDir: true },
  },
  {
    ...common,
    input: 'src/supervisor.ts',
    output: { dir: 'dist', entryFileNames: 'supervisor.js' },
  },
  {
    ...common,
    input: 'src/base/runtime.ts',
    output: { dir: 'dist', entryFileNames: 'runtime.js' },
  },
]
