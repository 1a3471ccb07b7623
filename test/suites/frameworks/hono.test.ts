import { conformance, NODE_FORMS } from './conformance.ts'

conformance({ name: 'Hono on @hono/node-server', fixture: 'hono', forms: NODE_FORMS })
