import type { Facts } from './facts.ts'
import { managerRules } from './rules/manager.ts'
import { serviceRules } from './rules/service.ts'
import { socketRules } from './rules/sockets.ts'
import type { Problem } from './types.ts'

const rules = [...managerRules, ...socketRules, ...serviceRules]

/** Everything that is wrong about the facts, errors first; pure. */
export function judge(facts: Facts): Problem[] {
  const problems = rules.flatMap((rule) => rule(facts))
  const of = (severity: Problem['severity']) =>
    problems.filter((problem) => problem.severity === severity)
  return [...of('error'), ...of('warning')]
}
