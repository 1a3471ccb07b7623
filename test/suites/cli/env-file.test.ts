import { describe } from 'vitest'
import { envFileTests } from './env-file-cases.ts'

describe('--env-file', () => envFileTests(process.execPath))
