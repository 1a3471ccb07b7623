import { describe, expect, test } from 'vitest'
import { UsageError } from '../base/errors.ts'
import { type Command, defineCommand } from './command.ts'
import { parse } from './parse.ts'

const options = {
  listen: { short: 'l', value: 'ADDRESS', many: true, summary: '' },
  name: { value: 'NAME', summary: '' },
  json: { short: 'j', summary: '' },
} as const
const rest = { name: 'COMMAND…', summary: '' }
const base = {
  name: 'go',
  summary: '',
  options,
  examples: [['socket-port go -- node', '']],
  execute: async () => 0 as const,
} as const
const withRest: Command = defineCommand({ ...base, rest })
const withArgument: Command = defineCommand({
  ...base,
  arguments: [{ name: 'PORT', elsewhere: ['--port'], summary: '' }],
})

describe('what is read', () => {
  test('options, short ones and those with =; the last value counts', () => {
    const parsed = parse(withRest, [
      '-l',
      '1',
      '--listen=2',
      '-l3',
      '--name',
      'a',
      '--name=-b',
      '-j',
      '--',
      'node',
    ])
    expect(parsed.all('listen')).toEqual(['1', '2', '3'])
    expect(parsed.last('listen')).toBe('3')
    expect(parsed.last('name')).toBe('-b')
    expect(parsed.has('json')).toBe(true)
    expect(parsed.rest).toEqual(['node'])
  })

  test('everything after -- as it is', () => {
    const command = ['node', '--json', '-l', '8080', '--', '--help', '']
    const parsed = parse(withRest, ['--', ...command])
    expect(parsed.rest).toEqual(command)
    expect([parsed.has('json'), parsed.has('listen'), parsed.has('help')]).toEqual([
      false,
      false,
      false,
    ])
  })

  test.each([
    [['node', '--version']],
    [['node', '--json', '-l', '8080', '--help', '-x', '--name=a']],
    [['node', '--', 'a.js', '--', '-j']],
    [['node']],
    [['./run me', '']],
  ])('without --, a program and all that follows its name: %j', (command) => {
    for (const options of [[], ['-l', '1'], ['--listen=2', '-j'], ['-j', '--name', 'node']]) {
      const parsed = parse(withRest, [...options, ...command])
      expect(parsed.rest).toEqual(command)
      expect(parsed.arguments).toEqual([])
      expect(parsed.has('json')).toBe(options.includes('-j'))
      expect(parsed.has('listen')).toBe(/listen|-l/.test(options.join()))
      expect(parsed.has('help')).toBe(false)
    }
  })

  test.each([
    [['--near', '--', 'node'], ['here']],
    [['--near', '-j', 'node'], ['here']],
    [['--near'], ['here']],
    [
      ['--near', 'far', '--near=further', '--', 'node', '--near'],
      ['far', 'further'],
    ],
  ])('an option whose value may be missing: %j', (argv, values) => {
    const near = { value: '[PLACE]', alone: 'here', many: true, summary: '' } as const
    const command = defineCommand({
      ...base,
      options: { ...options, near },
      rest: { ...rest, optional: true },
    })
    expect(parse(command, argv).all('near')).toEqual(values)
  })

  test('arguments before, between and after options', () => {
    expect(parse(withArgument, ['--json', '8080', '--name', 'a']).arguments).toEqual(['8080'])
    expect(parse(withArgument, ['8080']).rest).toBeUndefined()
    expect(parse(withArgument, ['--json', '--', '8080']).arguments).toEqual(['8080'])
  })

  test('--help, even if required arguments are missing', () => {
    expect(parse(withRest, ['--help']).has('help')).toBe(true)
    expect(parse(withArgument, ['-h']).has('help')).toBe(true)
  })
})

describe('what is refused', () => {
  test.each([
    [['--lisen', '1', '--', 'a'], "go has no option '--lisen'. Did you mean --listen?"],
    [['--constructor', '--', 'a'], "go has no option '--constructor'. See socket-port go --help"],
    [['-x', '--', 'a'], "go has no option '-x'. See socket-port go --help"],
    [['--no-json', '--', 'a'], "go has no option '--no-json'. Did you mean --json?"],
    [['--listen'], '--listen needs a value: --listen ADDRESS'],
    [['--listen', '--', 'a'], '--listen needs a value: --listen ADDRESS'],
    [['--listen='], '--listen needs a value: --listen ADDRESS'],
    [['-l', '--json', '--', 'a'], "-l needs a value: -l ADDRESS ('--json' reads as an option)"],
    [['--name', '-1', '--', 'a'], "--name needs a value: --name NAME ('-1' reads as an option)"],
    [
      ['--require', 'x', 'a'],
      'an option of node: write it after node, as in socket-port go -- node',
    ],
    [['--max-old-space-size=9', 'a'], '-- node --max-old-space-size …'],
    [['-r', 'x', 'a'], '-- node -r …'],
    [['--listen-on', '1', 'a'], 'Did you mean --listen?'],
    [['--list', '1', 'a'], 'Did you mean --listen?'],
    [['--json=1', '--', 'a'], "--json takes no value (got '1')"],
    [[], 'go needs a command after --, e.g. socket-port go -- node'],
    [['--'], 'go needs a command after --'],
    [['--', ''], 'go needs a command after --'],
  ])('%j', (argv, message) => {
    const attempt = (): unknown => parse(withRest, argv)
    expect(attempt).toThrow(UsageError)
    expect(attempt).toThrow(message)
  })

  test.each([
    [[], 'go needs PORT, e.g. socket-port go -- node'],
    [['1', '2'], "go takes one PORT (got '1' and '2'), e.g. socket-port go -- node"],
    [['1', '--', '2'], "go takes one PORT (got '1' and '2')"],
    [['--port', '1'], "go has no option '--port'. Write PORT without it, e.g. socket-port go"],
    [['-r', '1'], "go has no option '-r'. See socket-port go --help"],
  ])('%j for a command with one argument', (argv, message) => {
    expect(() => parse(withArgument, argv)).toThrow(message)
  })
})
