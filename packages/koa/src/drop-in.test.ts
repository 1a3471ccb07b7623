import base from 'koa'
import { closing } from '../../../test/suites/drop-in/closing.ts'
import type { DropIn } from '../../../test/suites/drop-in/drop-in.ts'
import { listening } from '../../../test/suites/drop-in/listening.ts'
import Koa from './index.ts'

const dropIn: DropIn = {
  name: 'Koa',
  base: () => new base(),
  create(options, answer) {
    const app = new Koa({ socketPort: options })
    if (!answer) return app
    return app.use(async (context) => {
      context.body = await answer(context.path)
    })
  },
}

listening(dropIn)
closing(dropIn)
