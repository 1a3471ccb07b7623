import { readFileSync } from 'node:fs'
import { childProcess } from '../base/built-in.ts'
import { SocketPortError } from '../base/errors.ts'
import { runThroughSignals } from '../base/signalled.ts'
import { EAGAIN } from '../sockets/constants.ts'
import { parseServiceName } from '../systemd/cgroup.ts'
import { systemctl } from '../systemd/systemctl.ts'

// systemd answers within milliseconds.
const PATIENCE = 1_000

const NOT_HEARD =
  'READY=1 was sent by systemd-notify, and unless root runs that program, systemd accepts it only with ' +
  'NotifyAccess=all'

const MEND =
  'systemd ends a service with Type=notify after TimeoutStartSec= if it gets no READY=1. Ship the native library with ' +
  'the program (docs/bundling.md), or set NotifyAccess=all or Type=exec in the unit; under socket-port run, ' +
  'pass --ready port'

/** Is called with what becomes of messages after they were sent. */
export interface DeliveryListener {
  /** A message was not sent, or systemd did not accept it. */
  lost(error: Error): void
  /** systemd may not have accepted a message. */
  unsure(message: string): void
}

/**
 * Sends messages with the program systemd-notify(1), for a process that may load no native code: one
 * program at a time, which ends when the manager has read its message.
 *
 * systemd checks which process has sent a message. As root, systemd-notify sends in the name of its parent.
 * For other users it cannot, and systemd accepts the message only with NotifyAccess=all. So after READY=1
 * this class asks systemd whether it was accepted.
 */
export class SystemdNotify {
  readonly #address: string
  readonly #listener: DeliveryListener
  #running = false

  /** `address` as NOTIFY_SOCKET has it. */
  constructor(address: string, listener: DeliveryListener) {
    this.#address = address
    this.#listener = listener
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
    runThroughSignals(() => this.#run(lines))
      .finally(() => {
        this.#running = false
      })
      .then(() => (lines.includes('READY=1') ? this.#checkReady() : undefined))
      .catch((error: Error) => this.#listener.lost(new Error(`${error.message}. ${MEND}`)))
  }

  #run(lines: readonly string[]): Promise<void> {
    const env = { ...process.env, LC_ALL: 'C', NOTIFY_SOCKET: this.#address }
    return new Promise((resolve, reject) => {
      const child = childProcess().spawn('systemd-notify', ['--', ...lines], {
        env,
        stdio: 'ignore',
      })
      child.unref()
      child.once('error', ({ message }) =>
        reject(new Error(`systemd-notify cannot be started (${message})`)),
      )
      child.once('exit', (code, signal) => {
        if (code === 0) return resolve()
        const problem = `systemd-notify has ended with ${signal ?? `code ${code}`}`
        reject(Object.assign(new Error(problem), { signal }))
      })
    })
  }

  async #checkReady(): Promise<void> {
    // Other managers, such as socket-port run, report by themselves when they ignore a message.
    if (!this.#address.endsWith('/systemd/notify')) return
    const waiting = await waitsForReady()
    if (waiting === true) throw new Error(NOT_HEARD)
    // As root, systemd-notify has sent in the name of this process.
    if (waiting === undefined && process.geteuid?.() !== 0) {
      this.#listener.unsure(
        `${NOT_HEARD}. systemd could not be asked whether it has accepted it. ${MEND}`,
      )
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
