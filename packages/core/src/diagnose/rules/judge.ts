import { askingRules } from './asking.ts'
import type { Facts } from './facts.ts'
import { managerRules } from './manager.ts'
import { serviceRules } from './service.ts'
import { socketRules } from './sockets.ts'
import type { Problem } from './types.ts'

const rules = [...managerRules, ...askingRules, ...socketRules, ...serviceRules]

/** Everything that is wrong about the facts, errors first; pure. */
export function judge(facts: Facts): Problem[] {
  const problems = rules.flatMap((rule) => rule(facts))
  const of = (severity: Problem['severity']) =>
    problems.filter((problem) => problem.severity === severity)
  return [...of('error'), ...of('warning')]
}
