import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { whyUnsupported } from './runtime.ts'

describe('whyUnsupported', () => {
  it.each(['20.19.0', '20.20.2', '21.0.0', '22.0.0', '24.1.0-nightly', '100.0.0'])(
    'accepts Node.js %s',
    (node) => expect(whyUnsupported({ node })).toBeUndefined(),
  )

  it.each(['18.20.8', '16.0.0', '20.18.3', '20.0.0', '0.12.0'])('refuses Node.js %s', (node) =>
    expect(whyUnsupported({ node })).toBe(
      `socket-port needs Node.js 20.19 or later, and this is Node.js ${node}: start the program with a newer node`,
    ),
  )

  it.each([
    [{ node: '24.3.0', bun: '1.4.5' }, 'Bun 1.4.5'],
    [{ node: '24.2.0', deno: '2.9.6' }, 'Deno 2.9.6'],
  ])('refuses %j, although it claims to be a version of Node', (versions, name) =>
    expect(whyUnsupported(versions)).toContain(`this is ${name}, which has other sockets`),
  )

  it('accepts the Node that runs the tests, and asks for the same version as package.json', () => {
    expect(whyUnsupported()).toBeUndefined()
    const { engines } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { engines: { node: string } }
    expect(whyUnsupported({ node: '1.0.0' })).toContain(engines.node.replace('>=', ''))
  })
})
