import { closing } from '@socket-port/testkit/drop-in/closing'
import type { DropIn } from '@socket-port/testkit/drop-in/drop-in'
import { listening } from '@socket-port/testkit/drop-in/listening'
import base from 'koa'
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
