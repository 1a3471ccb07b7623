import { closeSync, rmSync } from 'node:fs'
import { controlSize, readAncillary } from '../sockets/ancillary.ts'
import { AF_UNIX, EAGAIN, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM } from '../sockets/constants.ts'
import { type Libc, loadLibc } from '../sockets/libc.ts'
import { unixSockaddr } from '../sockets/sockaddr.ts'
import { onClose, temporaryDirectory } from './real-sockets.ts'

export interface Received {
  text: string
  /** The test's to close. */
  fds: number[]
}

/** The notify socket of a manager, of which the test sees every byte. */
export class ManagerSocket {
  /** As NOTIFY_SOCKET has it. */
  readonly address: string
  readonly #libc: Libc = loadLibc()
  #fd = -1

  constructor(address: string = `${temporaryDirectory()}/notify`) {
    this.address = address
    this.open()
    onClose(() => this.close())
  }

  /** Listens, again after a close. */
  open(): void {
    const path = this.address.replace(/^@/, '\0')
    this.#fd = this.#libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    this.#libc.bind(this.#fd, unixSockaddr(path))
  }

  /** No process reads any more; the path is left behind, as by a manager that has crashed. */
  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }

  /** Listens on a new socket at the same path. */
  replace(): void {
    this.close()
    rmSync(this.address)
    this.open()
  }

  /** What has come since the last look. */
  received(): Received[] {
    const all: Received[] = []
    for (;;) {
      try {
        const sizes = { bytes: 8192, control: controlSize(253) }
        const { bytes, control } = this.#libc.receiveMessage(this.#fd, sizes, MSG_DONTWAIT)
        all.push({ text: Buffer.from(bytes).toString(), fds: readAncillary(control).fds })
      } catch (error) {
        if ((error as { errno?: number }).errno === EAGAIN) return all
        throw error
      }
    }
  }

  /** As {@link received}: what came without descriptors. */
  texts(): string[] {
    return this.received().map(({ text }) => text)
  }

  /** Resolves to what comes next. */
  async next(): Promise<Received[]> {
    for (;;) {
      await this.#libc.readable([this.#fd])
      const all = this.received()
      if (all.length > 0) return all
    }
  }
}

const STATE = ['environment', 'notify', 'readiness', 'inherited-sockets', 'reload', 'shutdown']
const VARIABLES = ['LISTEN_FDS', 'LISTEN_PID', 'NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']

/** Makes this process one that has just been started with these variables. */
export function startedWith(variables: Record<string, string> = {}): void {
  forget()
  Object.assign(process.env, variables)
  onClose(forget)
}

function forget(): void {
  for (const name of STATE) {
    Reflect.deleteProperty(globalThis, Symbol.for(`@socket-port/core/${name}/1`))
  }
  for (const name of VARIABLES) delete process.env[name]
}
