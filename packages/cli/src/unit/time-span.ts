// The units of systemd.time(7), the largest first.
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** Writes milliseconds for systemd.time(7), in the largest unit that is exact: `30s`, `1500ms`. */
export function timeSpan(milliseconds: number): string {
  const [unit, length] = UNITS.find(([, length]) => milliseconds % length === 0) ?? ['ms', 1]
  return `${milliseconds / length}${unit}`
}
