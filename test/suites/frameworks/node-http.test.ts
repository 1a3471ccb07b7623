import { conformance, NODE_FORMS } from './conformance.ts'

conformance({ name: 'node:http', fixture: 'node-http', forms: NODE_FORMS })
