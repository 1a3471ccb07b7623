// `#!/usr/bin/env node` would give Node the arguments of the command: Node reads --env-file out of
// all words that no `--` precedes, the words behind the script's name included. The file is a shell
// script and a module at once, because env of BusyBox (Alpine) has no -S: sh runs the second line,
// and to Node that line is a string and a comment.
const launcher = '#!/usr/bin/env sh\n\':\' //; exec node -- "$0" "$@"'

// What every command needs in one file, and what only some need in others: each module costs a
// start some half a millisecond, and the supervisor keeps what it has loaded.
export default {
  input: { main: 'src/main.ts' },
  platform: 'node',
  external: [/^node:/, /^@socket-port\/core/, 'chokidar', 'picomatch', /^prom-client/],
  output: {
    dir: 'dist',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    cleanDir: true,
    postBanner: ({ name }) => (name === 'main' ? launcher : ''),
    codeSplitting: {
      groups: [
        {
          name: 'common',
          test: /src\/(base\/(counted|errors|io|quote|same-file|version)|command-line\/scalars)\.ts$/,
        },
      ],
    },
  },
}
