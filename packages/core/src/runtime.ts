// For programs that look whether core can run here before they import it. Any version of Node can read this entry.
export { whyUnsupported } from './base/runtime.ts'
