/**
 * A number and what it counts, for a message: `1 process`, `2 processes`; pure. Core has the same function,
 * but help and usage errors must not load core.
 */
export const counted = (count: number, one: string, many: string = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
