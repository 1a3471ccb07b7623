// Of core, which makes this value as soon as it has loaded what it loads when a server listens (chunks/later.js).
const RECEIVER = Symbol.for('@socket-port/core/receiver/1')

/**
 * Resolves when core has loaded the code of its drain. A drain in the first milliseconds after 'listening' waits
 * for it, and responses in between promise keep-alive. Import this file before a server listens.
 */
export const coreLoaded: Promise<void> = new Promise((resolve) => {
  Object.defineProperty(globalThis, RECEIVER, {
    configurable: true,
    set(value) {
      Object.defineProperty(globalThis, RECEIVER, { value })
      resolve()
    },
  })
})
