import { conformance, NODE_FORMS } from './conformance.ts'

conformance({ name: 'Koa 3', fixture: 'koa', forms: NODE_FORMS, control: true })

conformance({
  name: 'Koa 2',
  fixture: 'koa',
  older: { koa: 'koa2' },
  forms: NODE_FORMS,
  short: true,
})
