import { readFileSync } from 'node:fs'

/**
 * Calls `reload` when a person types `rs` and Enter, until the returned function is called. Does nothing if stdin is not a
 * terminal. The started processes do not read it: their stdin is empty.
 */
export function listenToKeyboard(
  reload: () => void,
  stdin: NodeJS.ReadStream = process.stdin,
  isForeground: () => boolean = isInForeground,
): () => void {
  if (!stdin.isTTY) return () => {}
  const typed = (text: string): void => {
    if (text.split('\n').some((line) => line.trim() === 'rs')) reload()
  }
  // The kernel stops a background job that reads from its terminal (SIGTTIN). `fg` and `bg` send SIGCONT.
  const readIfForeground = (): void => {
    if (isForeground()) stdin.resume()
    else stdin.pause()
  }
  // Pause before adding the listener, which would begin to read.
  stdin.pause()
  stdin.setEncoding('utf8').on('data', typed)
  // A terminal may be closed while this process runs on.
  stdin.on('error', () => {})
  readIfForeground()
  process.on('SIGCONT', readIfForeground)
  return () => {
    process.off('SIGCONT', readIfForeground)
    stdin.off('data', typed)
    stdin.pause()
  }
}

/** Whether this process belongs to the foreground job of its terminal: its process group is that of the terminal (proc_pid_stat(5)). */
function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    // The name of the program, in parentheses, may contain anything.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return group === foreground
  } catch {
    return false
  }
}
