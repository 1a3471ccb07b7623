/**
 * Makes the restart of a negative control again and again until it has lost a request. Each restart loses some by
 * chance only: on a quick machine all may be answered when the server closes. One that never loses runs into the
 * time-out of the test.
 */
export async function untilLost(
  restart: () => Promise<{ readonly failed: number }>,
): Promise<void> {
  while ((await restart()).failed === 0) {}
}
