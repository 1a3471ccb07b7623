import { PHASE_PRODUCTION_SERVER } from 'next/constants.js'

// `next start` warns of a standalone output, which this example starts in both ways.
export default (phase) => ({
  output: phase === PHASE_PRODUCTION_SERVER ? undefined : 'standalone',
  outputFileTracingRoot: import.meta.dirname,
})
