import { type LoadCounts, OUTCOMES, type Outcome, type Stall } from './result.ts'

/** The counts of one span of time, which grow while it lasts. */
export class Tally implements LoadCounts {
  requests = 0
  connections = 0
  closedByServer = 0
  longestStall: Stall | null = null
  readonly outcomes: Record<Outcome, number> = zeroOutcomes()

  get failed(): number {
    return this.requests - this.outcomes.ok
  }

  add(outcome: Outcome, id: string, wantedAt: number, ms: number): void {
    this.requests += 1
    this.outcomes[outcome] += 1
    if (this.longestStall === null || ms > this.longestStall.ms) {
      this.longestStall = { ms, at: wantedAt, id }
    }
  }

  toJSON(): LoadCounts {
    const { requests, connections, closedByServer, longestStall, outcomes, failed } = this
    return {
      requests,
      outcomes: { ...outcomes },
      failed,
      connections,
      closedByServer,
      longestStall,
    }
  }
}

/** Adds the counts of two spans of time. */
export function addCounts(a: LoadCounts, b: LoadCounts): LoadCounts {
  const outcomes = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, a.outcomes[outcome] + b.outcomes[outcome]]),
  ) as Record<Outcome, number>
  const stalls = [a.longestStall, b.longestStall].filter((stall) => stall !== null)
  return {
    requests: a.requests + b.requests,
    outcomes,
    failed: a.failed + b.failed,
    connections: a.connections + b.connections,
    closedByServer: a.closedByServer + b.closedByServer,
    longestStall: stalls.sort((one, other) => other.ms - one.ms)[0] ?? null,
  }
}

function zeroOutcomes(): Record<Outcome, number> {
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>
}
