// For programs that ask what is wrong with the way they got their sockets: docs/diagnosis.md.
import './base/refuse-runtime.ts'

export { diagnose } from './diagnose/diagnose.ts'
export { formatDiagnosis } from './diagnose/format.ts'
export type * from './diagnose/rules/types.ts'
