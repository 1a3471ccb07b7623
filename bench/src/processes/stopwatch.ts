/** Milliseconds that something took, and of CPU time, of all threads: other programs disturb it less. */
export interface Took {
  readonly wall: number
  readonly cpu: number
}

/** Tells what has passed since the last call, or since the stopwatch was started. */
export function stopwatch(): () => Took {
  let [wall, cpu] = read()
  return () => {
    const [lastWall, lastCpu] = [wall, cpu]
    ;[wall, cpu] = read()
    return { wall: wall - lastWall, cpu: cpu - lastCpu }
  }
}

function read(): [wall: number, cpu: number] {
  const { user, system } = process.cpuUsage()
  return [performance.now(), (user + system) / 1000]
}
