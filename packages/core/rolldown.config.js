const common = { platform: 'node', external: /^node:/ }

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
    input: 'src/manager.ts',
    output: { dir: 'dist', entryFileNames: 'manager.js' },
  },
]
