import { get, type IncomingMessage } from 'node:http'
import { get as getSecure } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { dirname } from 'node:path'
import { type Exit, type Generation, startGeneration } from '@socket-port/testkit/generation'
import { openListener } from '@socket-port/testkit/native'
import { ROOT } from './documents.ts'
import { endsByItself, type Program, pathsOf, serversOf, socketName } from './programs.ts'

/** Arguments of `node` that come before the file of a program. */
const PRELUDE = ['--import', `${ROOT}test/fixtures/docs/prelude.mjs`]

export interface Run {
  readonly exit: Exit
  /** With the ports that the document has. */
  readonly output: string
  readonly stderr: string
  /** What each server answered: a status and how the body begins, or what a plain TCP server sent. */
  readonly answers: readonly string[]
}

/** As `fixtures/docs/prelude.mjs` sends it. */
interface Listening {
  address: AddressInfo
  protocol: 'http' | 'https' | 'tcp'
}

/**
 * Runs a program, asks each of its servers for each of its paths, and ends it with SIGTERM unless it
 * ends by itself. `prepare` returns a file that has the program with that port.
 */
export async function runProgram(
  program: Program,
  start: 'cold' | 'inherited',
  prepare: (port: number) => string,
): Promise<Run> {
  const listener = openListener()
  const { port } = listener
  if (start === 'cold') listener.close()
  const name = socketName(program)
  const file = prepare(port)
  const generation = startGeneration({
    command: [process.execPath, ...PRELUDE, file],
    cwd: dirname(file),
    sockets: start === 'cold' ? [] : [{ fd: listener.fd, ...(name !== undefined && { name }) }],
    ipc: true,
  })
  try {
    let answers: string[] = []
    if (!endsByItself(program)) {
      answers = await Promise.race([askAll(generation, program), endedEarly(generation)])
      generation.signal('SIGTERM')
    }
    const exit = await generation.exit
    const { output, stderr } = generation
    return { exit, output: output.replaceAll(String(port), '8080'), stderr, answers }
  } finally {
    await generation.dispose()
    listener.close()
  }
}

async function askAll(generation: Generation, program: Program): Promise<string[]> {
  const answers: string[] = []
  for (const server of await listening(generation, serversOf(program))) {
    for (const path of pathsOf(program)) answers.push(await ask(server, path))
  }
  return answers
}

/** Resolves to the first `count` servers of a program. */
function listening(generation: Generation, count: number): Promise<Listening[]> {
  const servers: Listening[] = []
  return new Promise((resolve) => {
    generation.child.on('message', (server) => {
      servers.push(server as Listening)
      if (servers.length === count) resolve(servers)
    })
  })
}

// A client that asks it would wait for ever: the test holds its socket open.
async function endedEarly(generation: Generation): Promise<never> {
  const { code, signal } = await generation.exit
  throw new Error(`ended with ${signal ?? code} before it was told to: ${generation.output}`)
}

function ask({ address: { port }, protocol }: Listening, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false }
    // The response need not end: it may be one that ends when the drain starts.
    const answered = (response: IncomingMessage): void => {
      const begins = (chunk = ''): void => resolve(`${response.statusCode} ${chunk}`)
      response.setEncoding('utf8').once('data', begins).once('end', begins)
    }
    if (protocol === 'tcp') {
      let text = ''
      connect(port, '127.0.0.1')
        .setEncoding('utf8')
        .on('data', (data: string) => {
          text += data
        })
        .on('end', () => resolve(text))
        .on('error', reject)
    } else {
      const request = protocol === 'https' ? getSecure : get
      request(target, answered).on('error', reject)
    }
  })
}
