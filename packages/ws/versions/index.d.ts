/** The server class of each minor version of `ws` 8, by the version. */
export declare const versions: Readonly<Record<string, typeof import('ws').WebSocketServer>>
