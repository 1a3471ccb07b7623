import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { resolveDrain } from '../drain/options.ts'
import { REGISTER_VARIABLES, readRegisterOptions } from './options.ts'

const PREFIX = 'SOCKET_PORT_REGISTER_'

function read(variables: Record<string, string>) {
  const warnings: string[] = []
  const logger = { debug() {}, info() {}, warn: (text: string) => warnings.push(text), error() {} }
  const names = Object.entries(variables).map(([name, value]) => [`${PREFIX}${name}`, value])
  return { options: readRegisterOptions(Object.fromEntries(names), logger), warnings }
}

it('has the defaults of serve', () => {
  expect(read({})).toEqual({ options: { take: 'exact', attach: {} }, warnings: [] })
})

it('reads every variable, in any order', () => {
  const { options, warnings } = read({
    DRAIN_DELAY: '30000',
    DRAIN_TIMEOUT: '60000',
    DRAIN_IDLE_TIMEOUT: '0',
    DRAIN_IDLE: 'promise',
    DRAIN_WEB_SOCKET_CODE: '1012',
    DRAIN_SPREAD: '500',
    DRAIN_CLOSE_GRACE: '100',
    DRAIN_STREAM_TIMEOUT: '10000',
    PROBES_HOST: '127.0.0.1',
    PROBES_PORT: '9000',
    PROBES_LIVE: '/livez',
    PROBES_READY: '/readyz',
    IDLE_EXIT: '1000',
    FD_STORE: '1',
    TAKE: 'first',
  })
  expect(options).toEqual({
    take: 'first',
    attach: {
      drain: {
        delay: 30_000,
        timeout: 60_000,
        idleTimeout: 0,
        idle: 'promise',
        webSocketCode: 1012,
        spread: 500,
        closeGrace: 100,
        streamTimeout: 10_000,
      },
      probes: { ready: '/readyz', live: '/livez', port: '9000', host: '127.0.0.1' },
      idleExit: 1_000,
      fdStore: true,
    },
  })
  expect(warnings).toEqual([])
})

it.each([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
])('FD_STORE=%s is %s', (text, fdStore) => {
  expect(read({ FD_STORE: text }).options.attach).toEqual({ fdStore })
})

it.each([
  ['TAKE', 'second', "take must be 'exact' or 'first' (got \"second\")"],
  ['DRAIN_TIMEOUT', '10s', 'drain.timeout must be a whole number of milliseconds'],
  ['DRAIN_TIMEOUT', '-1', 'drain.timeout must be'],
  ['DRAIN_TIMEOUT', '9999999999', 'drain.timeout must be'],
  ['DRAIN_DELAY', '25000', 'drain.delay must be shorter than drain.timeout (25000)'],
  ['DRAIN_IDLE', 'Auto', "drain.idle must be 'auto'"],
  ['DRAIN_STREAM_TIMEOUT', '0', 'drain.streamTimeout must be a whole number of milliseconds'],
  ['IDLE_EXIT', '0', 'idleExit must be'],
  ['FD_STORE', 'yes', 'fdStore must be true or false (got "yes")'],
])('ignores %s=%s, with the reason and the list', (name, text, reason) => {
  const { options, warnings } = read({ [name]: text, DRAIN_IDLE_TIMEOUT: '1' })
  expect(options).toEqual({ take: 'exact', attach: { drain: { idleTimeout: 1 } } })
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain(`${PREFIX}${name} is "${text}": ${reason}`)
  expect(warnings[0]).toContain(
    `; the variable is ignored. Known are ${REGISTER_VARIABLES.join(', ')}`,
  )
})

it('ignores an unknown one, with the list; an empty one is not set', () => {
  const { options, warnings } = read({ DRAIN: '1', TAKE: '', NOTHING: '' })
  expect(options).toEqual({ take: 'exact', attach: {} })
  expect(warnings).toEqual([
    `there is no variable "${PREFIX}DRAIN" of the preload; the variable is ignored. Known are ${REGISTER_VARIABLES.join(', ')}`,
  ])
})

it('has a variable for each option of the drain, but for what the manager says', () => {
  const options = Object.keys(resolveDrain({})).filter((option) => option !== 'successor')
  const variable = (option: string): string =>
    `${PREFIX}DRAIN_${option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
  expect(REGISTER_VARIABLES).toEqual(expect.arrayContaining(options.map(variable)))
  expect(options).toContain('streamTimeout')
})

it('is described in docs/register.md', () => {
  const docs = readFileSync(new URL('../../../../docs/register.md', import.meta.url), 'utf8')
  const rows = [...docs.matchAll(/^\| `(SOCKET_PORT_REGISTER_\w+)` \|/gm)].map(([, name]) => name)
  expect(rows).toEqual(REGISTER_VARIABLES)
})
