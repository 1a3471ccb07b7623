/** The name that sd_listen_fds_with_names(3) gives to a socket without one. */
export const UNKNOWN = 'unknown'

// The prefix of every name under which this package stores a descriptor in the manager's fd store.
const OURS = 'socket-port/'
const LISTENER = `${OURS}listener/`

/** The name of a queue in which connections wait for the next process. */
export const QUEUE_NAME: string = `${OURS}connections`

// fdname_is_valid() of systemd: printable ASCII without the colon, which separates LISTEN_FDNAMES.
const LONGEST = 255

/** The longest encoded name that always leaves room for the address. */
export const LONGEST_STORED_NAME = 180

/**
 * The FDNAME= of a listening socket in the manager's fd store. It differs from all of `present`, because
 * FDSTOREREMOVE=1 removes every descriptor of a name. Pure.
 */
export function storeName(
  name: string | undefined,
  address: string,
  present: readonly string[] = [],
): string {
  const full = `${LISTENER}${encodeStored(name ?? '')}/${encode(address, /[%:]/)}`
  // The address is for people who read the list. Only a long path is cut.
  let unique = full.slice(0, LONGEST)
  for (let number = 2; present.includes(unique); number += 1) {
    const suffix = `/${number}`
    unique = `${full.slice(0, LONGEST - suffix.length)}${suffix}`
  }
  return unique
}

/** Encodes a name for the store, where a slash ends it. */
export const encodeStored = (name: string): string => encode(name, /[%:/]/)

/** The kind of an inherited descriptor, by its name in LISTEN_FDNAMES. */
export type Origin =
  /** A `.socket` unit or a supervisor named it. */
  | { kind: 'passed' }
  /** A listening socket from the store; `name` is the `name` option of the bind. */
  | { kind: 'listener'; name: string | undefined }
  /** A queue with connections. */
  | { kind: 'queue' }
  /** Stored by another version of this package. */
  | { kind: 'other' }

/** Reads what {@link storeName} wrote; pure. */
export function readStoreName(fdname: string): Origin {
  if (!fdname.startsWith(OURS)) return { kind: 'passed' }
  if (fdname === QUEUE_NAME) return { kind: 'queue' }
  if (!fdname.startsWith(LISTENER)) return { kind: 'other' }
  const [name = ''] = fdname.slice(LISTENER.length).split('/')
  return { kind: 'listener', name: name === '' ? undefined : decode(name) }
}

// Percent-encoding as in URLs, but only where needed: the rest stays readable in `systemd-analyze fdstore`.
function encode(text: string, reserved: RegExp): string {
  return Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte)
    const plain = byte > 0x20 && byte < 0x7f && !reserved.test(character)
    return plain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // another program wrote it
  }
}
