import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attach } from './attach.ts'

/** What a program does with its server; `say` writes down what the program sees. */
type Program = (server: Server, say: (event: string) => void) => void

// Another server, which holds a port.
let holder: Server
beforeAll(async () => {
  holder = createServer().listen(0)
  await once(holder, 'listening')
})
afterAll(() => void holder.close())

const warnings: Error[] = []
const warned = (warning: Error): void => void warnings.push(warning)
beforeAll(() => void process.on('warning', warned))
afterAll(() => {
  process.off('warning', warned)
  expect(warnings).toEqual([])
})
const busy = (): number => (holder.address() as AddressInfo).port

const code = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)

const create = {
  'node:net': () => createServer(),
  'node:http': () => createHttpServer(),
  'node:http2': () => createHttp2Server(),
}

function createManaged(module: keyof typeof create): Server {
  const server: Server = create[module]()
  attach(server, { signals: false, exit: false })
  return server
}

/** Runs the program until nothing more happens, and returns all that it has seen. */
async function run(server: Server, program: Program): Promise<string[]> {
  const seen: string[] = []
  const say = (event: string): void => void seen.push(event)
  server.on('listening', () => say('event listening'))
  server.on('close', () => say('event close'))
  server.on('error', (error) => say(`event error ${code(error)}`))
  try {
    program(server, say)
  } catch (error) {
    say(`thrown ${code(error)}`)
  }
  await settled()
  say(server.listening ? 'listens in the end' : 'is closed in the end')
  const all = [...seen]
  if (server.listening) await new Promise((closed) => server.close(closed))
  return all
}

/** Waits for a look-up of a name, which a thread does, and lets everything else happen that is due. */
async function settled(): Promise<void> {
  await lookup('localhost')
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
}

const programs: [string, Program][] = [
  [
    'listens, and closes in the callback',
    (server, say) => {
      server.listen(0, () => {
        say('callback')
        server.close((error) => say(`closed ${error}`))
      })
    },
  ],
  [
    'tries the next port from an error listener',
    (server, say) => {
      server.once('error', () => server.listen(0, () => say('callback of the next')))
      server.listen(busy(), () => say('callback of the busy one'))
    },
  ],
  [
    'tries three busy ports from an error listener, then a free one',
    (server) => {
      const ports = [busy(), busy(), 0]
      server.on('error', () => server.listen(ports.shift()))
      server.listen(busy())
    },
  ],
  [
    'tries the next port a turn after the error',
    (server, say) => {
      server.once('error', () => setImmediate(() => server.listen(0, () => say('callback'))))
      server.listen(busy())
    },
  ],
  [
    'closes the server that failed, and listens again at once, as the documentation of Node says',
    (server, say) => {
      server.once('error', () => {
        server.close((error) => say(`closed ${code(error)}`))
        server.listen(0)
      })
      server.listen(busy())
    },
  ],
  [
    'closes a server that failed',
    (server, say) => {
      server.once('error', () => server.close((error) => say(`closed ${code(error)}`)))
      server.listen(busy())
    },
  ],
  [
    'listens again from a close listener',
    (server, say) => {
      server.once('close', () => {
        server.listen(0, () => say('second callback'))
        say(`listening ${server.listening}`)
      })
      server.listen(0, () => server.close())
    },
  ],
  [
    'listens again from the callback of close',
    (server, say) => {
      server.listen(0, () => server.close(() => server.listen(0, () => say('second callback'))))
    },
  ],
  [
    'closes and listens again in the callback',
    (server, say) => {
      server.listen(0, () => {
        server.close()
        server.listen(0, () => {
          say('second callback')
          server.close(() => say('closed'))
        })
      })
    },
  ],
  [
    'leaves no listener of listening behind when it closes',
    (server, say) => {
      server.on('close', () => say(`${server.listenerCount('listening')} listeners`))
      server.listen(0, () => server.close())
    },
  ],
  [
    'listens twice',
    (server) => {
      server.listen(0)
      server.listen(0)
    },
  ],
  [
    'listens with a signal, which is aborted at once',
    (server, say) => {
      const abort = new AbortController()
      server.listen({ port: 0, signal: abort.signal }, () => say('callback'))
      abort.abort()
    },
  ],
  [
    'listens with a signal, which is aborted once it listens',
    (server, say) => {
      const abort = new AbortController()
      server.listen({ port: 0, signal: abort.signal }, () => {
        say('callback')
        abort.abort()
      })
    },
  ],
  [
    'listens with a signal that is aborted already',
    (server, say) => {
      server.listen({ port: 0, signal: AbortSignal.abort() }, () => say('callback'))
    },
  ],
  [
    'listens on a name with a signal that is aborted already',
    (server, say) => {
      const signal = AbortSignal.abort()
      server.listen({ port: 0, host: 'localhost', signal }, () => say('callback'))
    },
  ],
  [
    'listens with a signal that is aborted after it has closed and listens again',
    (server, say) => {
      const abort = new AbortController()
      server.listen({ port: 0, signal: abort.signal }, () => server.close())
      server.once('close', () => {
        server.listen(0, () => abort.abort())
        say('again')
      })
    },
  ],
  ...[
    ['no signal', 'INVALID_SIGNAL'],
    ['null', null],
    ['an object that is no signal', {}],
    ['a number', 1],
  ].map(([what, signal]): [string, Program] => [
    `listens with ${what} for a signal`,
    (server, say) =>
      server.listen({ port: 0, signal: signal as AbortSignal }, () => say('callback')),
  ]),
  [
    'listens with a signal of another make',
    (server, say) => {
      const target = Object.assign(new EventTarget(), { aborted: false })
      server.listen({ port: 0, signal: target as unknown as AbortSignal }, () => {
        say('callback')
        target.dispatchEvent(new Event('abort'))
      })
    },
  ],
  [
    'closes at once after listen',
    (server, say) => {
      server.listen(0, () => say('callback'))
      server.close((error) => say(`closed ${error}`))
    },
  ],
  [
    'closes at once after listen, with something that is no callback',
    (server, say) => {
      server.listen(0, () => say('callback'))
      server.close('bad argument' as never)
    },
  ],
  [
    'closes at once after listen on a name',
    (server, say) => {
      server.listen(0, 'localhost', () => say('callback'))
      server.close()
    },
  ],
  [
    'closes without having listened',
    (server, say) => server.close((e) => say(`closed ${code(e)}`)),
  ],
  [
    'closes, and once more when it is closed',
    (server, say) => {
      server.listen(0, () => {
        server.close(() => server.close((error) => say(`closed ${code(error)}`)))
      })
    },
  ],
  ...[
    ' ',
    '\t',
    '1.5',
    '70000',
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    65_536,
    true,
    false,
    {},
  ].map((port): [string, Program] => [
    `listens on the port ${JSON.stringify(port)} (${typeof port})`,
    (server, say) => server.listen(port as number, () => say('callback')),
  ]),
  ...[
    { port: false },
    { port: '' },
    { fd: -1 },
    { path: -1 },
    { host: 'localhost' },
    { exclusive: true },
  ].map((options): [string, Program] => [
    `listens with ${JSON.stringify(options)}`,
    (server, say) => server.listen(options as object, () => say('callback')),
  ]),
  [
    'takes no host that is not the second argument',
    (server, say) => {
      Reflect.apply(server.listen, server, [0, undefined, '127.0.0.1'])
      say(`on ${(server.address() as AddressInfo).address}`)
    },
  ],
]

// Twice: in a module all of this runs between microtasks, in CommonJS between ticks.
const situations: [string, (program: Program) => Program][] = [
  ['at once', (program) => program],
  [
    'in a tick',
    (program) => (server, say) =>
      process.nextTick(() => {
        try {
          program(server, say)
        } catch (error) {
          say(`thrown ${code(error)}`)
        }
      }),
  ],
]

describe.each(['node:net', 'node:http', 'node:http2'] as const)(
  'an attached server of %s',
  (module) => {
    describe.each(situations)('whose program runs %s', (_, at) => {
      it.each(programs)('%s, as Node does', async (_, program) => {
        const ours = await run(createManaged(module), at(program))
        expect(ours).toEqual(await run(create[module](), at(program)))
      })
    })

    // A program may try a port for as long as it is busy.
    it('keeps no listener of a start that failed', async () => {
      const server = createManaged(module)
      const counts: number[] = []
      await run(server, () => {
        server.on('error', () => {
          counts.push(server.listenerCount('close'))
          if (counts.length < 5) server.listen(busy())
        })
        server.listen(busy())
      })
      expect(counts).toEqual(Array(5).fill(counts[0]))
    })

    // Node says 'listening' twice here: it asks only whether the server has a socket, not which.
    it('closes at once after listen, and listens again at once', async () => {
      const events = await run(createManaged(module), (server, say) => {
        server.listen(0)
        server.close()
        server.listen(0)
        say('went on')
      })
      expect(events).toEqual(['went on', 'event close', 'event listening', 'listens in the end'])
    })

    // Node listens at once, and the connections from before keep its 'close' event back.
    it('closes with a connection open, and listens again when that has ended', async () => {
      const server = createManaged(module)
      server.listen(0)
      await once(server, 'listening')
      const client = connect((server.address() as AddressInfo).port)
      await once(server, 'connection')
      const events = run(server, (_, say) => {
        server.close()
        server.listen(0)
        setImmediate(() => {
          say('client leaves')
          client.destroy()
        })
      })
      expect(await events).toEqual([
        'client leaves',
        'event close',
        'event listening',
        'listens in the end',
      ])
    })
  },
)
