// Words that only a shell understands: bash(1), SHELL BUILTIN COMMANDS.
const OF_SHELL = ['cd', 'exec', 'export', 'set', 'source', '.', 'ulimit', 'umask']

/** Why a word cannot be started as a program, and the repair; undefined if it may be one. Pure. */
export function whyNoProgram(word: string): string | undefined {
  if (/^[A-Za-z_]\w*=/.test(word)) return `write env before a variable: env ${word} COMMAND`
  if (OF_SHELL.includes(word))
    return `only a shell knows ${word}: write sh -c '${word} … && exec COMMAND'`
  return /^[^/ ]+ /.test(word)
    ? 'pass its words one by one, without quotes around all of them'
    : undefined
}
