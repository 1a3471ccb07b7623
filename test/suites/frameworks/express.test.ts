import { conformance, NODE_FORMS } from './conformance.ts'

conformance({ name: 'Express 5', fixture: 'express', forms: NODE_FORMS, control: true })
