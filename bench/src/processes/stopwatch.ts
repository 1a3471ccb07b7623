/** The milliseconds that something took, and its CPU time (all threads), which other programs disturb less. */
export interface Took {
  readonly wall: number
  readonly cpu: number
}

/** Starts a stopwatch. Each call of the returned function returns the time since the call before, or since the start. */
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
