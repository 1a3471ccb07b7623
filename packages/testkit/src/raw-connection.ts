import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** A client connection on which the test sends every byte itself, and sees every byte that arrives. */
export class RawConnection {
  readonly socket: Socket
  /** Everything received so far. */
  text = ''
  readonly closed: Promise<void>
  error: NodeJS.ErrnoException | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.text += text
    })
    socket.on('error', (error) => {
      this.error = error
    })
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  static async open(port: number, host = '127.0.0.1'): Promise<RawConnection> {
    const socket = connect({ port, host })
    const connection = new RawConnection(socket)
    await once(socket, 'connect')
    return connection
  }

  static async openTls(port: number, ca: string): Promise<RawConnection> {
    return RawConnection.secure(connect({ port, host: '127.0.0.1' }), ca)
  }

  /** Makes the TLS handshake on a socket that may be open already. */
  static async secure(plain: Socket, ca: string): Promise<RawConnection> {
    const socket = connectTls({ socket: plain, ca, servername: 'localhost' })
    const connection = new RawConnection(socket)
    await once(socket, 'secureConnect')
    return connection
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text)
  }

  /** Resolves with the received text when it matches; rejects when the connection ends before. */
  async receive(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) {
      const data = new Promise<boolean>((resolve) => this.socket.once('data', () => resolve(true)))
      const open = await Promise.race([data, this.closed.then(() => false)])
      if (!open && !pattern.test(this.text)) {
        throw new Error(`closed (${this.error?.code ?? 'FIN'}) before ${pattern}: ${this.text}`)
      }
    }
    const text = this.text
    this.text = ''
    return text
  }

  close(): void {
    this.socket.destroy()
  }
}

/** A request without a body, as text. */
export const get = (path: string, ...headers: string[]): string =>
  `GET ${path} HTTP/1.1\r\n${['Host: test', ...headers].join('\r\n')}\r\n\r\n`
