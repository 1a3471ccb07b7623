import type { Server } from 'node:http'

/**
 * Starts one framework, as its documentation says, at any port of `HOST`: with our package, or
 * without it and alike in everything else. It answers each request with what `hello` returns.
 */
export type StartFramework = (managed: boolean, hello: () => string) => Promise<Server>

/** Where the client connects. Their own defaults differ: Fastify listens on `localhost` alone. */
export const HOST = '127.0.0.1'
