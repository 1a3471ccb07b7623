import { conformance, NODE_FORMS } from './conformance.ts'

conformance({ name: 'Express 5', fixture: 'express', forms: NODE_FORMS, control: true })

conformance({
  name: 'Express 4',
  fixture: 'express',
  older: { express: 'express4' },
  forms: NODE_FORMS,
  short: true,
})
