import { createServer } from 'node:http'

/** A server that takes 5 ms for each request. */
export const createEcho = () =>
  createServer((request, response) => {
    response.setHeader('x-request-id', request.headers['x-request-id'] ?? '')
    setTimeout(() => request.pipe(response), 5)
  })
