import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Unit files by name; a name may have a folder in it (`web.service.d/extra.conf`). */
export type Units = Record<string, string>

/** What the box's manager writes to its kernel log once every unit of the boot has started. */
export const BOOTED = 'socket-port box: booted'

/** The PATH of services: /run, where the box has this `node`, then the default of systemd. */
const PATH = '/run:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin'

const bare = '[Unit]\nDefaultDependencies=no\n'

/** The units without which systemd does not boot, and those that default dependencies name. */
const SKELETON: Units = {
  'basic.target': bare,
  'sysinit.target': bare,
  'sockets.target': bare,
  'shutdown.target': bare,
  'box.target': `${bare}Wants=booted.service\n`,
  'booted.service': `${bare}[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo "${BOOTED}" > /dev/kmsg'\n`,
}

/** Reads the unit files of a folder, so that a test can adapt their paths and ports. */
export async function readUnits(folder: string): Promise<Units> {
  const names = (await readdir(folder)).filter((name) => /\.(service|socket|target)$/.test(name))
  const texts = names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')])
  return Object.fromEntries(await Promise.all(texts))
}

export async function writeUnits(folder: string, units: Units): Promise<void> {
  for (const [name, text] of Object.entries(units)) {
    const file = join(folder, name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
}

/** The units that each box has: the ones it needs to boot, and drop-ins for all services. */
export function skeleton(logs: string, env: Record<string, string>): Units {
  const settings = Object.entries({ PATH, ...env }).map(environment)
  const output = `StandardOutput=append:${logs}/%n\nStandardError=inherit\n`
  return { ...SKELETON, 'service.d/box.conf': `[Service]\n${output}${settings.join('')}` }
}

function environment([name, value]: [string, string]): string {
  const escaped = value.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('\n', '\\n')
  return `Environment="${name}=${escaped}"\n`
}
