import { get } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type Exit, type Generation, startGeneration } from '../generation.ts'
import { openListener } from '../native.ts'
import { endsByItself, type Program, serversOf, socketName } from './programs.ts'
import { PRELUDE, type Project } from './project.ts'

export interface Run {
  readonly exit: Exit
  /** With the ports that the document has. */
  readonly output: string
  readonly stderr: string
  /** What each server answered: a status, or what a plain TCP server sent. */
  readonly answers: readonly (number | string)[]
}

/** As `fixtures/docs/prelude.mjs` sends it. */
interface Listening {
  address: AddressInfo
  http: boolean
}

/** Runs a program, asks each of its servers once, and ends it with SIGTERM unless it ends by itself. */
export async function runProgram(
  project: Project,
  program: Program,
  start: 'cold' | 'inherited',
): Promise<Run> {
  const listener = openListener()
  const { port } = listener
  if (start === 'cold') listener.close()
  const name = socketName(program)
  const generation = startGeneration({
    command: [process.execPath, ...PRELUDE, project.prepare(program, start, port)],
    sockets: start === 'cold' ? [] : [{ fd: listener.fd, ...(name !== undefined && { name }) }],
    ipc: true,
  })
  try {
    const answers: (number | string)[] = []
    if (!endsByItself(program)) {
      const servers = await listening(generation, serversOf(program))
      for (const server of servers) answers.push(await ask(server))
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

/** Waits for the first `count` servers of a program; rejects, with its output, if it ends before. */
function listening(generation: Generation, count: number): Promise<Listening[]> {
  const servers: Listening[] = []
  return new Promise((resolve, reject) => {
    generation.child.on('message', (server) => {
      servers.push(server as Listening)
      if (servers.length === count) resolve(servers)
    })
    generation.exit.then(({ code, signal }) => {
      const { output } = generation
      reject(
        new Error(`ended with ${signal ?? code}, ${servers.length} servers listened: ${output}`),
      )
    })
  })
}

function ask({ address: { port }, http }: Listening): Promise<number | string> {
  return new Promise((resolve, reject) => {
    if (http) {
      // The response need not end: it may be one that ends when the drain starts.
      get({ host: '127.0.0.1', port, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      }).on('error', reject)
    } else {
      let text = ''
      connect(port, '127.0.0.1')
        .setEncoding('utf8')
        .on('data', (data: string) => {
          text += data
        })
        .on('end', () => resolve(text))
        .on('error', reject)
    }
  })
}
