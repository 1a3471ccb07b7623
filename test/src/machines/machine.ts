import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { end, track } from '@socket-port/testkit/processes'

/** Enters the namespace of `$pid`, whose one device is a pair with a device outside. /30: one address at each end. */
const JOIN = `
ip link add "$device" type veth peer name inside netns "$pid"
ip address add "$near/30" dev "$device"
ip link set "$device" up
nsenter --net="/proc/$pid/ns/net" sh -ec '
  ip link set lo up
  ip address add "$far/30" dev inside
  ip link set inside up'
`

/**
 * A network namespace of its own, for what runs on a machine of its own. A process holds it: when that has ended, also because
 * this process was killed, the kernel removes the namespace and its devices. So nothing has a name that could stay behind.
 */
export class Machine {
  /** Its address, which this process can reach. */
  readonly address: string
  /** Words before a command that run it there. */
  readonly prefix: readonly string[]
  readonly #device: string
  readonly #close: () => Promise<void>

  private constructor(address: string, pid: number, device: string, close: () => Promise<void>) {
    this.address = address
    this.prefix = ['nsenter', `--net=/proc/${pid}/ns/net`]
    this.#device = device
    this.#close = close
  }

  /** Opens one. Those that are open at the same time have numbers of their own, from 0 to 1. */
  static async open(number: number): Promise<Machine> {
    // cat ends when this process does, because its stdin closes then.
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    })
    track(holder)
    const { pid } = holder
    if (pid === undefined) throw new Error('unshare could not be started')
    await once(holder.stdout, 'data')
    // 198.18.0.0/15 is for tests of networks (RFC 2544). Other runs of this test have other addresses.
    const [near, far] = [1, 2].map((host) => addressOf((process.pid * 2 + number) * 4 + host))
    const device = `sp${process.pid}-${number}`
    const env = { PATH: process.env.PATH, pid: `${pid}`, device, near, far }
    const { status, stderr } = spawnSync('sh', ['-ec', JOIN], { env, encoding: 'utf8' })
    if (status === 0) return new Machine(`${far}`, pid, device, () => end(holder))
    await end(holder)
    throw new Error(`no network namespace: ${stderr}`)
  }

  /** Removes it. What runs there must have ended. */
  async close(): Promise<void> {
    // At once: the kernel removes a namespace some time after its last process.
    spawnSync('ip', ['link', 'delete', this.#device])
    await this.#close()
  }
}

/** The address with this number in 198.18.0.0/15. */
function addressOf(number: number): string {
  const rest = number % 2 ** 17
  return `198.${18 + (rest >> 16)}.${(rest >> 8) & 255}.${rest & 255}`
}
