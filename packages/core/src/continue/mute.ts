import type { Socket } from 'node:net'
import { framingOf } from './response-head.ts'
import { callbackOf, textOf, unwritten } from './written.ts'

interface MuteOptions {
  /** The framing of the head that the client has: `framingOf`. */
  framing: string
  /** What the client is sent if the program answers in another way. */
  refusal: Uint8Array
  /** The program has answered in another way. */
  refused: (reason: string) => void
}

/** How long a client may take to read the refusal, in milliseconds. */
const LONGEST_REFUSAL = 2_000

/** The methods of a connection that are replaced until the head of the response has been swallowed. */
const MUTED = ['write', 'end', 'destroySoon', 'destroy'] as const

/**
 * Swallows the head of the response that the program writes to a connection: the client has it from the previous process.
 * A response whose framing differs, or a connection that the program ends or destroys before it has answered, is a
 * refusal: not a byte of it may reach a client that is in the middle of another exchange.
 */
export function muteHead(socket: Socket, { framing, refusal, refused }: MuteOptions): void {
  const own = Object.fromEntries(MUTED.map((name) => [name, socket[name]])) as Pick<
    Socket,
    (typeof MUTED)[number]
  >
  let isMuted = true
  let text = ''

  const muted: Record<string, (...args: unknown[]) => unknown> = {
    write: (...args) => (isMuted ? swallow(args) : Reflect.apply(own.write, socket, args)),
    end: (...args) => {
      if (!isMuted) return Reflect.apply(own.end, socket, args)
      const [chunk] = args
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) swallow(args)
      if (isMuted) refuse('it ended the connection')
      else Reflect.apply(own.end, socket, [])
      return socket
    },
    destroySoon: () => {
      if (isMuted) refuse('it ended the connection')
      else own.destroySoon.call(socket)
    },
    destroy: (...args) => {
      // With an error, or after its end, there is no client to tell.
      const isHeard = args[0] === undefined && !socket.readableEnded && !socket.destroyed
      if (!isMuted || !isHeard) return Reflect.apply(own.destroy, socket, args)
      refuse('it closed the connection')
      return socket
    },
  }

  function unmute(): void {
    isMuted = false
    const held = socket as unknown as Record<string, unknown>
    // Other code may have wrapped our function. Its wrapper keeps calling ours, which now passes everything on.
    for (const name of MUTED) if (held[name] === muted[name]) delete held[name]
  }

  function swallow(args: unknown[]): boolean {
    text += textOf(args)
    let end = endOf(text)
    // Interim responses (RFC 9110, 15.2) are for a client that still waits for its response.
    while (end > 0 && /^HTTP\/1\.\d 1(?!01)/.test(text)) {
      text = text.slice(end)
      end = endOf(text)
    }
    if (end < 0) return unwritten(args, true)
    const seen = framingOf(text.slice(0, end))
    if (seen !== framing) {
      refuse(`it answered with ${seen}, and the client has ${framing}`)
      return false
    }
    unmute()
    const rest = Buffer.from(text.slice(end), 'latin1')
    return rest.length > 0
      ? Reflect.apply(own.write, socket, [rest, callbackOf(args)])
      : unwritten(args, true)
  }

  function refuse(reason: string): void {
    unmute()
    refused(reason)
    // What the program still writes must not follow. It hears 'close' soon.
    socket.write = (...args: unknown[]) => unwritten(args, false)
    const close = (): void => void own.destroy.call(socket)
    socket.once('finish', close)
    setTimeout(close, LONGEST_REFUSAL).unref()
    own.end.call(socket, refusal)
  }

  Object.assign(socket, muted)
}

const endOf = (text: string): number => {
  const end = text.indexOf('\r\n\r\n')
  return end < 0 ? -1 : end + 4
}
