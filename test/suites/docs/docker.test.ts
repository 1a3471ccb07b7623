import { readFileSync } from 'node:fs'
import { type Generation, startGeneration } from '@socket-port/testkit/generation'
import { freePort, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../../src/docs/ask.ts'
import { readRoot } from '../../src/docs/documents.ts'
import { codeBlocks } from '../../src/docs/markdown.ts'
import { programsOf } from '../../src/docs/programs.ts'
import { Project } from '../../src/docs/project.ts'
import { superviseLine } from '../../src/docs/supervise-line.ts'

const page = readRoot('docs/docker.md')
const project = new Project()
afterAll(() => project.remove())
afterEach(endProcesses)

/** What makes a command process 1, as in a container. */
const CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']

const dockerfile = codeBlocks(page).find(({ language }) => language === 'dockerfile')?.code ?? ''
const quadlet = codeBlocks(page).find(({ code }) => code.includes('[Container]'))?.code ?? ''
const commandOf = (text: string): string[] =>
  JSON.parse(/^CMD (\[.*\])$/m.exec(text)?.[1] ?? '[]') as string[]

/** Writes the first program of the README with a free port. */
function writeServer(port: number): void {
  const [program] = programsOf('README.md')
  project.write('server.mjs', (program?.code ?? '').replaceAll('8080', String(port)))
}

/** Sends a signal to process 1 of the container. */
function signal({ pid }: Pick<Generation, 'pid'>, name: NodeJS.Signals): void {
  process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')), name)
}

describe(...requireOrSkip('process 1 of a container', rootSkipReason()), () => {
  test('the CMD of the Dockerfile reloads, hands connections over, and ends in order', async () => {
    const [command, ...words] = commandOf(dockerfile)
    expect(command).toBe('node_modules/.bin/socket-port')
    const port = freePort()
    writeServer(port)
    const line = `npx socket-port ${words.join(' ')}`
    const supervised = await superviseLine(line, port, { cwd: project.dir, prefix: CONTAINER })
    onTestFinished(() => supervised.dispose())
    const connection = await RawConnection.open(port)
    connection.send(get('/'))
    await connection.receive(/hello\n$/)
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    await supervised.until(({ connections }) => connections.received === 1)
    connection.send(get('/'))
    await connection.receive(/hello\n$/)
    connection.close()
    signal(supervised.generation, 'SIGHUP')
    await supervised.printed(/generation 3 is ready/)
    signal(supervised.generation, 'SIGTERM')
    expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
    expect(supervised.generation.output).not.toMatch(/warning|error/i)
  })

  test.each(['bound', 'inherited'])('the Exec= of the Quadlet: %s', async (source) => {
    const exec = /^Exec=(.+)$/m.exec(quadlet)?.[1] ?? ''
    expect(dockerfile).toContain('"node", "server.mjs"]')
    const listener = openListener()
    onTestFinished(listener.close)
    const port = source === 'inherited' ? listener.port : freePort()
    writeServer(port)
    const container = startGeneration({
      command: [...CONTAINER, ...exec.split(' ')],
      cwd: project.dir,
      // Podman passes the variables so: the program is process 1, where it runs.
      ...(source === 'inherited' && {
        sockets: [listener],
        inherit: 'no-pid',
        env: { LISTEN_PID: '1' },
      }),
    })
    await container.printed(new RegExp(`^http://localhost:${port} is ${source}$`, 'm'))
    expect(await ask(port)).toBe('hello\n')
    signal(container, 'SIGTERM')
    expect(await container.exit).toMatchObject({ code: 0, signal: null })
    expect(container.stderr).toBe('')
  })
})
