import type { Server } from 'node:http'

/**
 * Starts one framework, as its documentation says, at any free port of `HOST`: with the package of socket-port (`attached`), or
 * without it and otherwise the same. It responds to each request with the result of `hello`.
 */
export type StartFramework = (attached: boolean, hello: () => string) => Promise<Server>

/** The address of all frameworks. Their own defaults differ: Fastify listens on `localhost` alone. */
export const HOST = '127.0.0.1'
