/** A number and what it counts, for a message: `1 connection`, `2 connections`; pure. */
export const counted = (count: number, one: string, many: string = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
