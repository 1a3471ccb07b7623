// What a service uses of the hand-over: server-handover.ts loads it when the server listens.
export { receiver } from '../handover/receiver.ts'
export { targetFor } from '../handover/sender.ts'
export { startReceiving } from '../handover/start-receiving.ts'
export { reportDrained } from '../handover/supervisor-channel.ts'
