import { chmodSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { SOCKET_PORT } from '@socket-port/testkit/command'
import { expect, onTestFinished, test } from 'vitest'
import { type Ended, run } from '../../src/docs/run.ts'

/**
 * Tests that --env-file of the command belongs to the command, not to Node, which reads it out of
 * all words that no `--` precedes; on the Node at `binary`.
 */
export function envFileTests(binary: string): void {
  const PATH = [dirname(binary), process.env.PATH].join(delimiter)
  // npm and pnpm do this when they install it.
  chmodSync(SOCKET_PORT, 0o755)

  /** A folder with the command as npm installs it, a symlink. */
  function project(): string {
    const dir = realpathSync(mkdtempSync(join(tmpdir(), 'socket-port-env-file-')))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    symlinkSync(SOCKET_PORT, join(dir, 'socket-port'))
    return dir
  }

  // Each has its control sockets in its own folder: another `run` of this user may have the same name.
  const env = (cwd: string, path = PATH) => ({
    PATH: path,
    XDG_RUNTIME_DIR: cwd,
    XDG_CACHE_HOME: cwd,
  })

  const starts: [name: string, start: (cwd: string, args: string[]) => Promise<Ended>][] = [
    ['npm’s symlink', (cwd, args) => run(join(cwd, 'socket-port'), args, { cwd, env: env(cwd) })],
    // Written by pnpm where the first line of the file names sh.
    ['pnpm’s script', (cwd, args) => run('sh', ['./socket-port', ...args], { cwd, env: env(cwd) })],
    [
      'PATH',
      (cwd, args) =>
        run('sh', ['-c', 'exec socket-port "$@"', 'sh', ...args], {
          cwd,
          env: env(cwd, [cwd, PATH].join(delimiter)),
        }),
    ],
    ['node --', (cwd, args) => run(binary, ['--', SOCKET_PORT, ...args], { cwd, env: env(cwd) })],
  ]

  test.each(starts)(
    'through %s: a file that is not here is no concern of unit',
    async (_, start) => {
      const dir = project()
      writeFileSync(join(dir, 'server.mjs'), '')
      for (const option of [['--env-file', '/etc/app.env'], ['--env-file=/etc/app.env']]) {
        const ended = await start(dir, ['unit', 'server.mjs', '--port', '8080', ...option])
        expect(ended.status, ended.stderr).toBe(0)
        expect(ended.stdout).toContain('EnvironmentFile=/etc/app.env\n')
      }
    },
  )

  test.each(starts)('through %s: run says itself which file is missing', async (_, start) => {
    const words = ['run', '--listen', '0', '--env-file', 'missing.env', '--', 'true']
    expect(await start(project(), words)).toEqual({
      status: 2,
      stdout: '',
      stderr: "socket-port: error: --env-file 'missing.env': no such file exists\n",
    })
  })

  test.each(starts)(
    'through %s: the variables are those of the program alone',
    async (_, start) => {
      const dir = project()
      // Node refuses to start with such options: the supervisor must not see them.
      writeFileSync(join(dir, 'app.env'), 'NODE_OPTIONS=--no-such-option\nANSWER=42\n')
      const program = ['sh', '-c', 'echo "$ANSWER $NODE_OPTIONS"; exit 3']
      const words = ['run', '--listen', '0', '--env-file', 'app.env', '--', ...program]
      const { status, stdout, stderr } = await start(dir, words)
      expect({ status, program: stdout }).toEqual({ status: 1, program: '42 --no-such-option\n' })
      expect(stderr).toContain('before it was ready')
    },
  )
}
