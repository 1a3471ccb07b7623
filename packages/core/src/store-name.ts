// What begins with it in LISTEN_FDNAMES has been put into the manager's store by this package.
const OURS = 'socket-port/'
const LISTENER = `${OURS}listener/`

/** Of the far end of a line in which connections wait for the next process. */
export const PARCEL_NAME: string = `${OURS}connections`

// fdname_is_valid() of systemd: printable ASCII but the colon, which parts LISTEN_FDNAMES.
const LONGEST = 255

/** Bytes of a name that always leave room for the address. */
export const LONGEST_STORED_NAME = 180

/**
 * The FDNAME= of a listening socket in the manager's store, other than all of `present`: removing
 * one (FDSTOREREMOVE=1) removes all of its name. Pure.
 */
export function storeName(
  name: string | undefined,
  address: string,
  present: readonly string[] = [],
): string {
  const full = `${LISTENER}${encodeStored(name ?? '')}/${encode(address, /[%:]/)}`
  // The address is for who reads the list; only a long path is cut.
  let unique = full.slice(0, LONGEST)
  for (let number = 2; present.includes(unique); number += 1) {
    const suffix = `/${number}`
    unique = `${full.slice(0, LONGEST - suffix.length)}${suffix}`
  }
  return unique
}

/** A name as it stands in the store, where a slash ends it. */
export const encodeStored = (name: string): string => encode(name, /[%:/]/)

/** What an inherited socket is, by its name in LISTEN_FDNAMES. */
export type Origin =
  /** Somebody else named it: a `.socket` unit, a supervisor. */
  | { kind: 'passed' }
  /** A listening socket from the store; `name` is what it was called when it was bound. */
  | { kind: 'listener'; name: string | undefined }
  /** The far end of a line with connections. */
  | { kind: 'parcel' }
  /** From the store, of another version of this package. */
  | { kind: 'other' }

/** Reads what {@link storeName} wrote; pure. */
export function readStoreName(fdname: string): Origin {
  if (!fdname.startsWith(OURS)) return { kind: 'passed' }
  if (fdname === PARCEL_NAME) return { kind: 'parcel' }
  if (!fdname.startsWith(LISTENER)) return { kind: 'other' }
  const [name = ''] = fdname.slice(LISTENER.length).split('/')
  return { kind: 'listener', name: name === '' ? undefined : decode(name) }
}

// As in URLs, but only what must be: the rest stays readable in `systemd-analyze fdstore`.
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
    return text // not of our making
  }
}
