import { once } from 'node:events'
import { WebSocket } from 'ws'

const CLIENTS = 10

/** What `examples/machines/server.mjs` answers to a message: the `count`th of this client. */
interface Answer {
  text: string
  count: number
  pid: number
}

export interface StrictWebSocket {
  readonly client: WebSocket
  readonly faults: readonly string[]
  /** Sends one message, and checks the answer. Resolves with the process that has answered. */
  ask(): Promise<number>
}

/** Opens WebSockets that never connect again. */
export function openWebSockets(port: number): Promise<StrictWebSocket[]> {
  return Promise.all(Array.from({ length: CLIENTS }, () => open(port)))
}

/** Resolves with the code of each when all have closed. */
export const codesOf = (clients: readonly StrictWebSocket[]): Promise<number[]> =>
  Promise.all(clients.map(({ client }) => once(client, 'close').then(([code]) => code)))

async function open(port: number): Promise<StrictWebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/`)
  const faults: string[] = []
  client.once('close', (code) => faults.push(`closed ${code}`))
  await once(client, 'open')
  let asked = 0
  return {
    client,
    faults,
    async ask() {
      const text = `message ${++asked}`
      const answered = once(client, 'message')
      client.send(text)
      const answer = JSON.parse(String((await answered)[0])) as Answer
      if (answer.text !== text || answer.count !== asked) faults.push(JSON.stringify(answer))
      return answer.pid
    },
  }
}
