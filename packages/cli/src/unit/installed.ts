import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Returns the release of systemd on this machine, undefined where there is none. */
export async function systemdVersion(): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)('systemctl', ['--version'], { timeout: 2_000 })
    const version = Number(/^systemd (\d+)/.exec(stdout)?.[1])
    return Number.isInteger(version) ? version : undefined
  } catch {
    return undefined
  }
}
