import { statSync } from 'node:fs'
import { linkOf, readFile, readNames } from './proc-files.ts'
import { sessionOf } from './session.ts'

/**
 * Whether a process of the session that `leader` leads waits for connections on one of the sockets. It does
 * when one of its epoll(7) instances watches the socket. A process without epoll waits when it has the socket
 * open, and one of its threads is in accept(2), poll(2) or select(2).
 */
export function isAccepting(leader: number, inodes: ReadonlySet<bigint>): boolean {
  return sessionOf(leader).some((pid) => {
    const epolls = epollsOf(pid)
    if (epolls.length === 0) return waits(pid, inodes)
    return epolls.flatMap(epollInodes).some((inode) => inodes.has(inode))
  })
}

// The kernel's description of each epoll instance of the process.
function epollsOf(pid: number): string[] {
  return readNames(`/proc/${pid}/fd`)
    .filter((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === 'anon_inode:[eventpoll]')
    .map((fd) => readFile(`/proc/${pid}/fdinfo/${fd}`))
}

/** The inodes that an epoll instance watches, from its fdinfo (proc_pid_fdinfo(5)); pure. */
export function epollInodes(fdinfo: string): bigint[] {
  return [...fdinfo.matchAll(/^tfd:.* ino:([0-9a-f]+)/gm)].map(([, hex]) => BigInt(`0x${hex}`))
}

// The kernel functions in which a thread waits in accept(2) (net/ipv4, net/core), poll(2) or select(2) (fs/select.c).
const WAITS = /^(inet_csk_accept|__skb_wait_for_more_packets|poll_schedule_timeout)/

function waits(pid: number, inodes: ReadonlySet<bigint>): boolean {
  const isWaiting = readNames(`/proc/${pid}/task`).some((task) =>
    WAITS.test(readFile(`/proc/${pid}/task/${task}/wchan`)),
  )
  return isWaiting && readNames(`/proc/${pid}/fd`).some((fd) => inodes.has(inodeOf(pid, fd)))
}

function inodeOf(pid: number, fd: string): bigint {
  try {
    return statSync(`/proc/${pid}/fd/${fd}`, { bigint: true }).ino
  } catch {
    return -1n
  }
}
