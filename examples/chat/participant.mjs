import { randomUUID } from 'node:crypto'

const text = (value, longest) => (typeof value === 'string' ? value.trim().slice(0, longest) : '')

/**
 * One client of the chat, over a WebSocket or Socket.IO. `state` is everything that the next process must know about it: who it
 * is, and how much of the history was sent to it.
 */
export function participant(history, send, state = { id: randomUUID(), name: '', seen: 0 }) {
  const catchUp = () => {
    send({ pid: process.pid, entries: history.entries.slice(state.seen) })
    state.seen = history.entries.length
  }
  const stop = () => history.off('grown', catchUp)
  history.on('grown', catchUp)
  catchUp()

  return {
    state,
    receive(message) {
      const name = text(message?.name, 20)
      const line = text(message?.text, 1_000)
      if (name && name !== state.name) {
        const { id, name: before } = state
        state.name = name
        history.append({ id, name, before })
      }
      if (line && state.name) history.append({ from: state.name, text: line, pid: process.pid })
    },
    /** Call it when the next process has the client: the others must not be told that it left. */
    stop,
    leave() {
      stop()
      if (state.name) history.append({ id: state.id, left: state.name })
    },
  }
}
