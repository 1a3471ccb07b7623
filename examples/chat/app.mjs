import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { handOverEventStream } from '@socket-port/core'

const file = (name, type) => ({
  type,
  body: readFileSync(new URL(`page/${name}`, import.meta.url)),
})

/** Serves the page, and the names of its users as an event stream. `connect` is the script that connects the page. */
export function createApp(history, connect) {
  const files = new Map([
    ['/', file('index.html', 'text/html')],
    ['/style.css', file('style.css', 'text/css')],
    ['/chat.js', file('chat.js', 'text/javascript')],
    ['/connect.js', file(connect, 'text/javascript')],
  ])

  return createServer((request, response) => {
    const [path] = request.url.split('?')
    if (path === '/names') return streamNames(history, request, response)
    const { type, body } = files.get(path) ?? {}
    if (body === undefined) return response.writeHead(404).end()
    response.setHeader('content-type', `${type}; charset=utf-8`)
    response.setHeader('content-security-policy', "default-src 'self'")
    response.end(body)
  })
}

function streamNames(history, request, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  handOverEventStream(request, response)
  // Each event has the whole list, so the next process needs no attachment: it sends its own list.
  let last
  const send = () => {
    const event = JSON.stringify({ pid: process.pid, names: [...history.names.values()] })
    if (event !== last) response.write(`data: ${event}\n\n`)
    last = event
  }
  history.on('grown', send)
  response.once('close', () => history.off('grown', send))
  send()
}
