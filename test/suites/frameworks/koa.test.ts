import { conformance, NODE_FORMS } from './conformance.ts'

conformance({ name: 'Koa 3', fixture: 'koa', forms: NODE_FORMS, control: true })
