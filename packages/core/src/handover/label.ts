/** What a message with connections says of them. */
export interface Label {
  /** Where the server that accepted them listened. */
  port: number
  address: string
  /** Milliseconds for which that server had promised to keep them; 0 for ever. */
  promise: number
}

/** Its bytes; pure. A message without descriptors may be anything else. */
export const writeLabel = ({ port, address, promise }: Label): Uint8Array =>
  Buffer.from(JSON.stringify({ port, address, promise }))

/** Reads what {@link writeLabel} wrote, also of a later version; `undefined` for anything else; pure. */
export function readLabel(bytes: Uint8Array): Label | undefined {
  try {
    const { port, address, promise } = JSON.parse(Buffer.from(bytes).toString())
    const right = Number.isInteger(port) && typeof address === 'string' && promise >= 0
    return right ? { port, address, promise } : undefined
  } catch {
    return undefined
  }
}
