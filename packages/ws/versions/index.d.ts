import type ws from 'ws'

/** Each minor version of `ws` 8 by its version. */
export declare const versions: Readonly<Record<string, typeof ws>>
