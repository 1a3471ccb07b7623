import { isPort } from '../base/validate.ts'

/** The version of the messages. Raise it when a change would be misunderstood. */
const VERSION = 1

/** No message is longer, in bytes. */
export const LONGEST_MESSAGE = 4096

// An answer lists this many kept sockets, and only counts the others.
const MOST_LISTED = 8

/** What a process asks for: what its server was told to listen on. */
export interface AskRequest {
  /** 0 is any port. */
  port: number
  /** A port was asked for, even if it is 0. */
  portGiven: boolean
  host: string | undefined
  /** As the kernel shows it: absolute, and `@name` for an abstract one. */
  path: string | undefined
  /** Its name in LISTEN_FDNAMES. */
  name: string | undefined
  ipv6Only: boolean
  take: Take
}

/**
 * Which socket the supervisor may give. `exact`: one with exactly this address. `fitting`: the one that a process
 * would choose if all had been passed to it. `first`: if none has the address, the first that no other process has
 * got.
 */
export type Take = (typeof TAKES)[number]

const TAKES = ['exact', 'fitting', 'first'] as const

export type AskAnswer =
  /**
   * The listening socket comes with the answer as the first descriptor; with `channel`, the two of a channel come
   * after it.
   */
  | { kind: 'given'; name: string; channel: boolean }
  /** No kept socket fits. `kept`: the addresses of all kept sockets. */
  | { kind: 'none'; kept: readonly string[] }
  | { kind: 'refused'; reason: string }

/** One line of JSON; pure. */
export const writeRequest = (request: AskRequest): Buffer => line(request)

/** One line of JSON; pure. */
export function writeAnswer(answer: AskAnswer): Buffer {
  if (answer.kind !== 'none' || answer.kept.length <= MOST_LISTED) return line(answer)
  const more = `and ${answer.kept.length - MOST_LISTED} more`
  return line({ ...answer, kept: [...answer.kept.slice(0, MOST_LISTED), more] })
}

const line = (message: object): Buffer =>
  Buffer.from(`${JSON.stringify({ version: VERSION, ...message })}\n`)

/** Reads a request; a string says what is wrong with it. Pure. */
export function readRequest(text: string): AskRequest | string {
  const message = parse(text)
  if (typeof message === 'string') return message
  const { port, portGiven, host, path, name, ipv6Only, take } = message
  if (!isPort(port)) return 'its port is no number from 0 to 65535'
  const texts = { host, path, name }
  for (const [key, value] of Object.entries(texts)) {
    if (value !== undefined && typeof value !== 'string') return `its ${key} is no text`
  }
  return {
    port,
    portGiven: portGiven === true,
    ...(texts as Record<keyof typeof texts, string | undefined>),
    ipv6Only: ipv6Only === true,
    // A request that does not say it must not get the socket of another server.
    take: TAKES.find((known) => known === take) ?? 'exact',
  }
}

/** Reads an answer; a string says what is wrong with it. Pure. */
export function readAnswer(text: string): AskAnswer | string {
  const message = parse(text)
  if (typeof message === 'string') return message
  const { kind, name, channel, kept, reason } = message
  if (kind === 'given') return { kind, name: String(name), channel: channel === true }
  if (kind === 'none' && Array.isArray(kept)) return { kind, kept: kept.map(String) }
  if (kind === 'refused') return { kind, reason: String(reason) }
  return 'it is of a kind that this version does not know'
}

function parse(text: string): Record<string, unknown> | string {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return 'it is no JSON'
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    return 'it is no JSON object'
  }
  const { version, ...fields } = message as Record<string, unknown>
  if (version !== VERSION) return `its version is ${JSON.stringify(version)}, not ${VERSION}`
  return fields
}
