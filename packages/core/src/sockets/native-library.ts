import { closeSync, openSync, readSync } from 'node:fs'
import { requireNative } from './require-native.ts'

/** The optional dependency that holds the library. */
export const nativeLibrary: string = `@koromix/koffi-${process.platform}-${process.arch}`

/**
 * Loads the library, and returns what it exports; throws where there is none or native code is not allowed.
 *
 * Its package finds out which libc Node is linked to, and then loads the binary for it. That takes two milliseconds, in
 * which new connections wait for this process. So the binary is loaded directly where its path is as expected.
 */
export function loadNativeLibrary(): unknown {
  const binary = expectedBinary()
  if (binary !== undefined) {
    try {
      return requireNative(`${nativeLibrary}/${binary}`)
    } catch (error) {
      // Another version of the package may have it elsewhere.
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  return requireNative(nativeLibrary)
}

const PAGE = 4096

/** `undefined` where the libc cannot be told. */
function expectedBinary(): string | undefined {
  const head = Buffer.alloc(PAGE)
  try {
    const node = openSync(process.execPath, 'r')
    readSync(node, head)
    closeSync(node)
  } catch {
    return undefined
  }
  // Compilers put the path of the dynamic loader (PT_INTERP of elf(5)) into the first page of a program.
  const libc = head.includes('/ld-linux') ? 'linux' : head.includes('/ld-musl') ? 'musl' : undefined
  return libc && `${libc}_${process.arch}/koffi.node`
}
