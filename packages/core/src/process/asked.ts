import { perProcess } from './per-process.ts'

/** Why the supervisor gave no socket on request: the kind of the reason, and a text for messages. */
export interface Refusal {
  /** `none`: no kept socket fits. `refused`: this process may have none. `failed`: no answer came. */
  readonly kind: 'none' | 'refused' | 'failed'
  readonly problem: string
}

interface Asked {
  given: boolean
  refusal?: Refusal
}

// Every copy of this package in the process shares one: one copy asks, and another may open the channel.
const shared = perProcess<Asked>('asked/1')

const asked = (): Asked => shared.get(() => ({ given: false }))

/**
 * Whether a supervisor has given this process its socket on request. Then it has started a parent of this process,
 * not the process itself.
 */
export const wasGiven = (): boolean => shared.current?.given === true

/** Why the last request got no socket; `undefined` where this process has not asked, or has always got one. */
export const lastRefusal = (): Refusal | undefined => shared.current?.refusal

export const noteGiven = (): void => {
  asked().given = true
}

export const noteRefusal = (refusal: Refusal): void => {
  asked().refusal = refusal
}
