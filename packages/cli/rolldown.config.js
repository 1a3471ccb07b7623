// What every command needs in one file, and what only some need in others: each module costs a
// start some half a millisecond, and the supervisor keeps what it has loaded.
export default {
  input: { main: 'src/main.ts' },
  platform: 'node',
  external: [/^node:/, /^@socket-port\/core/, 'chokidar', 'picomatch'],
  output: {
    dir: 'dist',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    cleanDir: true,
    codeSplitting: {
      groups: [{ name: 'common', test: /src\/(errors|io|quote|version|values\/scalars)\.ts$/ }],
    },
  },
}
