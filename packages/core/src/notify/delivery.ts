import type { Libc } from '../sockets/libc.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { formatNotifyAddress, type NotifyAddress } from './address.ts'
import type { PlainChannel } from './plain-channel.ts'
import type { Datagram, sendDatagram } from './socket.ts'
import { type DeliveryListener, SystemdNotify } from './systemd-notify.ts'

export interface DeliveryOptions {
  address: NotifyAddress
  /** Sends through libc. */
  send: typeof sendDatagram
  /** The channel of a supervisor that started this very process; `undefined` without one. */
  channel(): PlainChannel | undefined
  /** Is called for messages that are lost after they were sent. */
  listener: DeliveryListener
}

/**
 * Returns the function that sends messages to the manager: through libc; where libc cannot be used,
 * through the channel of the supervisor; where there is none, with the program systemd-notify. Only libc
 * can send descriptors.
 */
export function deliveryTo({
  address,
  send,
  channel,
  listener,
}: DeliveryOptions): (datagram: Datagram) => void {
  let plain: { send(bytes: Uint8Array): void } | undefined
  const withoutLibc = (reason: Error): { send(bytes: Uint8Array): void } => {
    const lost = ({ message }: Error): void =>
      listener.lost(new Error(`${reason.message}. ${message}`))
    return channel() ?? new SystemdNotify(formatNotifyAddress(address), { ...listener, lost })
  }
  return (datagram) => {
    let libc: Libc
    try {
      libc = usableLibc()
    } catch (error) {
      if (datagram.fds.length > 0) throw error
      plain ??= withoutLibc(error as Error)
      plain.send(datagram.bytes)
      return
    }
    send(libc, address, datagram)
  }
}
