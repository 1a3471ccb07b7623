import { describe, expect, it } from 'vitest'
import { fuzzReloads } from './supervised.ts'

const seed = Number(process.env.FUZZ_SEED ?? 1)

describe('the fuzz of the hand-over', () => {
  it('over 8 reloads: each response is that to its request, of the server that was asked', async () => {
    const { failures, counts, handedOver } = await fuzzReloads({ seed, goesOn: (n) => n < 8 })
    expect(failures).toEqual([])
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(0)
    expect(handedOver).toBeGreaterThan(8)
  })

  it('negative control: plain server.close() loses requests', async () => {
    const { failures } = await fuzzReloads({
      seed,
      goesOn: (n) => n < 3,
      env: { HOW: 'plain' },
      args: ['--ready', 'port'],
    })
    expect(failures.length).toBeGreaterThan(0)
  })

  it.each([
    ['server', /server other answered what was asked of [ab]/],
    ['id', /"other \S+ .* came instead of/],
    ['body', /came instead of/],
    ['trailers', /came instead of .* sum-of-/],
  ])('negative control: finds answers with the wrong %s', async (lie, found) => {
    const { failures } = await fuzzReloads({ seed, goesOn: (n) => n < 1, env: { LIE: lie } })
    expect(failures.filter((failure) => found.test(failure)).length).toBeGreaterThan(0)
  })
})
