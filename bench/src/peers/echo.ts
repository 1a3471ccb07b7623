import { createServer, type Server } from 'node:http'

/** The server of every peer: responds to each request after 5 ms, with its id and body. */
export const echoServer = (): Server =>
  createServer((request, response) => {
    response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
    setTimeout(() => request.pipe(response), 5)
  })

/** Listens on the inherited socket, with the backlog that its manager gave it. */
export function listenOnFd3(server: Server): void {
  server.listen({ fd: 3 }, 4096, ready)
}

export const ready = (): void => console.log('{"ready":true}')
