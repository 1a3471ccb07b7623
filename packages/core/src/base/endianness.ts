/** Whether this machine stores the low byte of a number first; without the module `os`, for a light start. */
export const littleEndian: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
