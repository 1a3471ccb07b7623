import { execFile } from 'node:child_process'

export interface Outcome {
  /** Exit code; -1 when a signal ended it. */
  code: number
  stdout: string
  stderr: string
}

/** Runs a command in the namespaces of process `pid` (all but the network's, which is shared). */
export function runIn(pid: number, command: string, args: string[]): Promise<Outcome> {
  const namespaces = ['--target', String(pid), '-m', '-p', '-C', '-u', '-i']
  return new Promise((resolve) => {
    execFile('nsenter', [...namespaces, command, ...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr: stderr || (error?.message ?? '') })
    })
  })
}
