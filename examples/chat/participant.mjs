import { randomUUID } from 'node:crypto'

const text = (value, longest) => (typeof value === 'string' ? value.trim().slice(0, longest) : '')

/**
 * One client of the chat, whatever carries its messages. `state` is all that the next process must know of it: who it is, and how
 * much of the history it has been sent.
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
    hear(message) {
      const name = text(message?.name, 20)
      const said = text(message?.text, 1_000)
      if (name && name !== state.name) {
        const { id, name: before } = state
        state.name = name
        history.append({ id, name, before })
      }
      if (said && state.name) history.append({ from: state.name, text: said, pid: process.pid })
    },
    /** The next process has the client: others must not hear that it left. */
    stop,
    leave() {
      stop()
      if (state.name) history.append({ id: state.id, left: state.name })
    },
  }
}
