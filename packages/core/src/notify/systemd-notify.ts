import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { SocketPortError } from '../base/errors.ts'
import { EAGAIN } from '../sockets/constants.ts'
import { parseServiceName } from '../systemd/cgroup.ts'
import { systemctl } from '../systemd/systemctl.ts'

// systemd answers within milliseconds.
const PATIENCE = 1_000

const NOT_HEARD =
  'READY=1 was sent by systemd-notify, and systemd takes it from another user than root with ' +
  'NotifyAccess=all only'

const MEND =
  'A service with Type=notify that is not heard is ended after TimeoutStartSec=. Ship the native library with ' +
  'the program (docs/bundling.md), or set NotifyAccess=all or Type=exec in the unit; under socket-port run, ' +
  'pass --ready port'

export interface Told {
  /** A message was not sent, or not taken. */
  lost(error: Error): void
  /** A message may not have been taken. */
  unsure(message: string): void
}

/**
 * Sends messages with the program systemd-notify(1), for a process that may load no native code: one
 * program at a time, which ends when the manager has read its message.
 *
 * systemd knows who has sent a message. As root the program sends in the name of its parent. For other
 * users it cannot, and systemd takes the message only with NotifyAccess=all; that is looked at after
 * READY=1.
 */
export class SystemdNotify {
  readonly #address: string
  readonly #told: Told
  #running = false

  /** `address` as NOTIFY_SOCKET has it. */
  constructor(address: string, told: Told) {
    this.#address = address
    this.#told = told
  }

  /** Sends one message; throws ERR_SOCKET_PORT_SYSCALL with EAGAIN while another one is on its way. */
  send(bytes: Uint8Array): void {
    if (this.#running) {
      throw new SocketPortError('ERR_SOCKET_PORT_SYSCALL', 'another message is on its way', {
        syscall: 'spawn',
        errno: EAGAIN,
      })
    }
    this.#running = true
    const lines = Buffer.from(bytes).toString().split('\n')
    this.#run(lines)
      .finally(() => {
        this.#running = false
      })
      .then(() => (lines.includes('READY=1') ? this.#checkReady() : undefined))
      .catch((error: Error) => this.#told.lost(new Error(`${error.message}. ${MEND}`)))
  }

  #run(lines: readonly string[]): Promise<void> {
    const env = { ...process.env, LC_ALL: 'C', NOTIFY_SOCKET: this.#address }
    return new Promise((resolve, reject) => {
      const child = spawn('systemd-notify', ['--', ...lines], { env, stdio: 'ignore' })
      child.unref()
      child.once('error', ({ message }) =>
        reject(new Error(`systemd-notify cannot be started (${message})`)),
      )
      child.once('exit', (code) => {
        // Without a code it was ended by a signal: systemd ends all processes of a service together.
        if (code === 0 || code === null) resolve()
        else reject(new Error(`systemd-notify has ended with code ${code}`))
      })
    })
  }

  async #checkReady(): Promise<void> {
    // Another manager, such as socket-port, says by itself whom it does not believe.
    if (!this.#address.endsWith('/systemd/notify')) return
    const waiting = await waitsForReady()
    if (waiting === true) throw new Error(NOT_HEARD)
    // As root the program speaks in the name of this process.
    if (waiting === undefined && process.geteuid?.() !== 0) {
      this.#told.unsure(`${NOT_HEARD}. Whether it has cannot be seen from here. ${MEND}`)
    }
  }
}

/** Whether systemd still waits for READY=1 of this service; `undefined` where it cannot be asked. */
async function waitsForReady(): Promise<boolean | undefined> {
  try {
    const service = parseServiceName(readFileSync('/proc/self/cgroup', 'utf8'))
    if (service === undefined) return undefined
    const shown = await systemctl(['show', '--property=SubState', '--', service.unit], {
      signal: AbortSignal.timeout(PATIENCE),
      user: service.user,
      unref: true,
    })
    return /^SubState=start$/m.test(shown)
  } catch {
    return undefined
  }
}
