import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { seededRandom } from '@socket-port/testkit/load/random'

/**
 * Listens in front of a port, and passes on what clients send in pieces of some bytes, each in a turn of its own. Returns
 * its port, and what ends it.
 */
export async function dribble(port: number, seed = 1): Promise<{ port: number; end: () => void }> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    upstream.pipe(client)
    void passOn(client, upstream, seededRandom(seed))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    end() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function passOn(from: Socket, to: Socket, random: () => number): Promise<void> {
  try {
    for await (const chunk of from) {
      for (let at = 0; at < chunk.length; ) {
        const end = at + 1 + Math.floor(random() * 9)
        to.write(chunk.subarray(at, end))
        at = end
        await new Promise(setImmediate)
      }
    }
    to.end()
  } catch {
    to.destroy()
  }
}
