import { Loader } from './loader.ts'
import type { LoadPlan } from './options.ts'

/** A call of a method of `Load`, as it is sent through the IPC channel. */
export type Call =
  | { readonly name: 'start'; readonly plan: LoadPlan }
  | { readonly name: 'moreRequests'; readonly requests: number }
  | { readonly name: 'oneRequestEach' | 'openIdle' | 'countsSinceLast' | 'snapshot' | 'stop' }

export interface Question {
  readonly id: number
  readonly call: Call
}

export interface Answer {
  readonly id: number
  readonly value: unknown
}

let loader: Loader | undefined

async function answer(call: Call): Promise<unknown> {
  if (call.name === 'start') {
    loader = new Loader(call.plan)
    return loader.start()
  }
  if (loader === undefined) throw new Error(`${call.name} before start`)
  return call.name === 'moreRequests' ? loader.moreRequests(call.requests) : loader[call.name]()
}

process.on('message', async ({ id, call }: Question) => {
  const reply: Answer = { id, value: await answer(call) }
  process.send?.(reply, () => {
    if (call.name === 'stop') process.disconnect()
  })
})

// Also ends this process when the test that started the load has crashed.
process.on('disconnect', () => process.exit())
