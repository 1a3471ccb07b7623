import { perProcess } from './per-process.ts'

// Every copy of this package in the process shares one: one copy asks, and another may open the channel.
const shared = perProcess<{ given: boolean }>('asked/1')

/** Whether a supervisor has given this process its socket on request: it has started a process above this one. */
export const wasGiven = (): boolean => shared.current?.given === true

export const noteGiven = (): void => void shared.get(() => ({ given: true }))
