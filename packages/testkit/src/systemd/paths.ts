import { isAbsolute, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const CHECKOUT: string = fileURLToPath(new URL('../../../..', import.meta.url))

const CHECKOUT_IN_BOX = '/run/checkout'

const NODE_IN_BOX = '/run/node'

/**
 * Returns the path in the box of a file of the checkout, or of this `node`. It is below /run, where neither
 * PrivateTmp= nor ProtectHome= hides it.
 */
export function pathInBox(path: string): string {
  if (path === process.execPath) return NODE_IN_BOX
  const below = relative(CHECKOUT, path)
  if (below.startsWith('..') || isAbsolute(below)) {
    throw new Error(`${path} is not in ${CHECKOUT}; the box shows it at its own path, if at all`)
  }
  return join(CHECKOUT_IN_BOX, below)
}
