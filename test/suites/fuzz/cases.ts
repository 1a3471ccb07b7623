import { seededRandom } from '@socket-port/testkit/load/random'

/** A value that stands for the process's own, which only the process knows. */
export const OWN = '<own>'

/** One environment, and by its making whether the sockets are this process's. */
export interface EnvironmentCase {
  env: Record<string, string>
  expected: 'absent' | 'refused' | 'passed'
  /** How many descriptors are passed, and how they are called; nothing unless `passed`. */
  count: number
  names: string[] | undefined
}

/** Choices that a seed repeats. */
export interface Chance {
  number(below: number): number
  pick<T>(choices: readonly T[]): T
  /** Picks by weight: `{ common: 9, rare: 1 }`. */
  weigh<T extends string>(weights: Readonly<Record<T, number>>): T
  text(longest: number): string
}

export function chanceOf(seed: number): Chance {
  const random = seededRandom(seed)
  const number = (below: number): number => Math.floor(random() * below)
  const pick = <T>(choices: readonly T[]): T => choices[number(choices.length)] as T
  return {
    number,
    pick,
    weigh<T extends string>(weights: Readonly<Record<T, number>>): T {
      const entries = Object.entries<number>(weights) as [T, number][]
      let at = random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [name, weight] of entries) {
        at -= weight
        if (at < 0) return name
      }
      return entries[0]?.[0] as T
    },
    // No NUL: an environment cannot hold one.
    text: (longest) => Array.from({ length: number(longest + 1) }, () => pick(LETTERS)).join(''),
  }
}

const LETTERS = [...'0123456789abcXYZ-+._ =/\\"\'$`\n\t\u001b\u007f', 'é', '☃', '💥', '٣', '\u202e']

const MOST_FDS = 1_048_576
const NOT_NUMBERS = [
  '',
  ' ',
  '-',
  '+',
  '0x3',
  '1e1',
  '3.0',
  ' 3',
  '3 ',
  '3\n',
  '٣',
  '3:4',
  'three',
  'NaN',
  'Infinity',
  '-Infinity',
  'null',
  'undefined',
  '__proto__',
  '9'.repeat(16),
  '9'.repeat(4096),
]

const isWholeNumber = (text: string): boolean => /^\d{1,15}$/.test(text)

/**
 * Returns an environment in which each variable may be right, wrong or absent on its own. Without
 * `inodes` it has no LISTEN_PIDFDID, which not every kernel can check.
 */
export function environmentCase(
  chance: Chance,
  { mostPassed = 12, inodes = true }: { mostPassed?: number; inodes?: boolean } = {},
): EnvironmentCase {
  const { number, weigh, text, pick } = chance
  const env: Record<string, string> = {}
  let refused = false
  let count = 1 + number(mostPassed)

  const fds = weigh({ right: 60, absent: 5, few: 8, many: 8, garbage: 19 })
  if (fds === 'right') env.LISTEN_FDS = String(count).padStart(1 + number(3), '0')
  if (fds === 'few') env.LISTEN_FDS = pick(['0', '-1', '00', '-0', `-${count}`])
  if (fds === 'many') {
    count = pick([100, 1000, 65_536, MOST_FDS + 1, MOST_FDS * 2, 2 ** 31, 2 ** 32 + 1])
    env.LISTEN_FDS = String(count)
    refused ||= count > MOST_FDS
  }
  if (fds === 'garbage') env.LISTEN_FDS = garbage(chance)
  refused ||= fds === 'few' || fds === 'garbage'

  const pid = weigh({ own: 55, absent: 25, other: 10, garbage: 10 })
  if (pid === 'own') env.LISTEN_PID = OWN
  if (pid === 'other') env.LISTEN_PID = pick(['0', '1', '-1', '4194305', '999999999999999'])
  if (pid === 'garbage') env.LISTEN_PID = garbage(chance)
  refused ||= pid === 'other' || pid === 'garbage'

  const inode = inodes ? weigh({ absent: 80, own: 10, other: 5, garbage: 5 }) : 'absent'
  if (inode === 'own') env.LISTEN_PIDFDID = OWN
  if (inode === 'other') env.LISTEN_PIDFDID = pick(['0', '1', '18446744073709551615'])
  if (inode === 'garbage') env.LISTEN_PIDFDID = pick(['-1', '', '0x1', '1 ', 'x', '9'.repeat(21)])
  refused ||= inode === 'other' || inode === 'garbage'

  let names: string[] | undefined
  const naming = weigh({ absent: 40, right: 50, wrong: 10 })
  if (naming !== 'absent') {
    const length = naming === 'right' ? count : pick([count + 1, count + 7, Math.max(1, count - 1)])
    const most = Math.min(length, 2000)
    const longest = most > 20 ? 3 : 300
    names = Array.from({ length: most }, () => name(chance, longest))
    env.LISTEN_FDNAMES = names.join(':')
    refused ||= most !== count
  }

  for (const odd of ['LISTEN_FD', 'listen_fds', 'LISTEN_FDS_']) {
    if (number(20) === 0) env[odd] = text(9)
  }
  const expected = env.LISTEN_FDS === undefined ? 'absent' : refused ? 'refused' : 'passed'
  return { env, expected, count, names }
}

/** Text that is no number, as far as its reader is concerned. */
function garbage({ pick, text }: Chance): string {
  const made = pick([pick(NOT_NUMBERS), text(40)])
  return isWholeNumber(made) ? `${made}?` : made
}

const NAMES = ['web', 'admin', '', 'unknown', 'stored', 'connection', '__proto__']

// No colon: it separates names.
const name = ({ pick, text, number }: Chance, longest: number): string =>
  number(8) === 0 ? text(longest) : pick(NAMES)

/** Runs `each` for many seeds; a failure names the seed that repeats it. */
export async function forSeeds(
  cases: number,
  each: (chance: Chance, seed: number) => void | Promise<void>,
): Promise<void> {
  const { FUZZ_SEED, FUZZ_CASES } = process.env
  const first = Number(FUZZ_SEED ?? 1)
  for (let seed = first; seed < first + Number(FUZZ_CASES ?? cases); seed += 1) {
    try {
      await each(chanceOf(seed), seed)
    } catch (cause) {
      const repeat = `FUZZ_SEED=${seed} FUZZ_CASES=1 npx vitest run suites/fuzz`
      throw new Error(`seed ${seed} fails; repeat it with ${repeat}`, { cause })
    }
  }
}
