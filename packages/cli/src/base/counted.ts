/**
 * A number and what it counts, for a message: `1 process`, `2 processes`; pure. Core has the same, but
 * is not loaded for a command that only asks.
 */
export const counted = (count: number, one: string, many: string = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
