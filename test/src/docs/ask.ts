import { get } from 'node:http'
import { text } from 'node:stream/consumers'

/** The body of the answer to a request on a connection of its own. */
export function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, (response) => resolve(text(response))).on(
      'error',
      reject,
    )
  })
}
