import { fileURLToPath } from 'node:url'

const packages = [
  ...['common', 'core', 'platform-express', 'platform-fastify'],
  ...['platform-socket.io', 'platform-ws', 'websockets'],
]
const pathOf = (name) => fileURLToPath(import.meta.resolve(name))

/** The files of NestJS 11, by the names that an application imports. */
export const nest11 = Object.fromEntries(
  packages.map((name) => [`@nestjs/${name}`, pathOf(`@nestjs/${name}`)]),
)
