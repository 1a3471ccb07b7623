import { describe } from 'vitest'
import { MAJORS, nodeBinary } from '../src/nodes.ts'
import { envFileTests } from '../suites/cli/env-file-cases.ts'

describe.each(MAJORS)('--env-file on Node %d', (major) => envFileTests(nodeBinary(major)))
