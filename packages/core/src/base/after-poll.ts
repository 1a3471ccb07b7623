/**
 * Calls back when the event loop has polled for input. Timers run before that: what has arrived by then, a
 * request or the end of a connection, is read first.
 */
export const afterPoll = (callback: () => void): void => void setImmediate(callback)
