export { handOverSocketIo, type SocketIoServer } from './hand-over-socket-io.ts'
