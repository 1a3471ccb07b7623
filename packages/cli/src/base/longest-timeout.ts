/**
 * Milliseconds: setTimeout fires at once for any longer time. Core has the same constant, but usage errors must
 * not load core.
 */
export const LONGEST_TIMEOUT: number = 2 ** 31 - 1
