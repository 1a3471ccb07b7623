import { execFile } from 'node:child_process'

/** Whether setpriv(1) is installed and supports `--pdeathsig`. BusyBox's does not. */
export function hasSetpriv(): Promise<boolean> {
  return new Promise((resolve) => {
    const args = ['--pdeathsig', 'TERM', '--', 'true']
    execFile('setpriv', args, { timeout: 5_000 }, (error) => resolve(error === null))
  })
}
