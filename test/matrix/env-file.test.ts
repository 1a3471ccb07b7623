import { describe } from 'vitest'
import { envFileTests } from '../suites/cli/env-file-cases.ts'
import { MAJORS, nodeBinary } from './nodes.ts'

describe.each(MAJORS)('--env-file on Node %d', (major) => envFileTests(nodeBinary(major)))
