import { pathInBox } from '@socket-port/testkit/systemd/index'
import { MAJORS, nodeBinary } from '../src/nodes.ts'
import type { App, AppOptions } from '../suites/handover/box.ts'

/** Goes through all, so that each comes once directly after each, also after itself. */
export function everyPair<Item>(all: readonly Item[]): Item[] {
  const there = all.flatMap((item, at) => [
    item,
    item,
    ...all.slice(at + 2).flatMap((other) => [other, item]),
  ])
  return [...there, ...all.slice(0, -1).reverse()]
}

/** Each Node must read what each has written, and its sockets. */
export const NODES: readonly string[] = everyPair([process.execPath, ...MAJORS.map(nodeBinary)])

/** How a server is started by a Node. */
export const by = (
  node: string,
  server: string,
  env: Readonly<Record<string, string>> = {},
): Pick<AppOptions, 'command' | 'env'> => ({ command: [node, server].map(pathInBox), env })

/** Restarts a server as the arguments of `by` say. */
export async function restartBy(app: App, ...how: Parameters<typeof by>): Promise<void> {
  await app.install(by(...how))
  await app.restart()
}
