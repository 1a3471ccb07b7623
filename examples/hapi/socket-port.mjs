import { attach } from '@socket-port/core'

/** A plugin with which hapi's own `start` inherits or binds, and its own `stop` drains, as a signal does. */
export const socketPort = {
  name: 'socket-port',
  register(server, options) {
    let started = false
    let stopped
    const attached = attach(server.listener, options, {
      // hapi refuses to stop before it has started, and to stop twice.
      finish: () => stopped ?? (started && server.stop()),
    })
    server.events.on('start', () => {
      started = true
    })
    server.ext('onPreStop', () => {
      stopped = new Promise((resolve) => server.ext('onPostStop', resolve))
      return attached.drain()
    })
  },
}
