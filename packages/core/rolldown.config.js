// One file: each further module costs every process some half a millisecond when it starts, which
// is what newcomers wait for during a restart.
export default {
  input: 'src/index.ts',
  platform: 'node',
  external: /^node:/,
  output: { dir: 'dist', entryFileNames: 'index.js', cleanDir: true },
}
