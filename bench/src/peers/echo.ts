import { createServer, type Server } from 'node:http'

/** What every peer serves: each request after 5 ms, its id and body sent back. */
export const echoServer = (): Server =>
  createServer((request, response) => {
    response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
    setTimeout(() => request.pipe(response), 5)
  })

/** Listens on the inherited socket, with the queue as long as its manager made it. */
export function listenOnFd3(server: Server): void {
  server.listen({ fd: 3 }, 4096, ready)
}

export const ready = (): void => console.log('{"ready":true}')
