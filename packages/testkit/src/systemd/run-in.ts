import { execFile } from 'node:child_process'

export interface Outcome {
  /** Exit code; -1 when a signal ended it. */
  code: number
  stdout: string
  stderr: string
}

/** Arguments of `nsenter` for the namespaces of process `pid` (all but the network's, which is shared). */
export function namespacesOf(pid: number): string[] {
  return ['--target', String(pid), '-m', '-p', '-C', '-u', '-i']
}

/** Runs a command in the namespaces of process `pid`. */
export function runIn(pid: number, command: string, args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile('nsenter', [...namespacesOf(pid), command, ...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr: stderr || (error?.message ?? '') })
    })
  })
}
