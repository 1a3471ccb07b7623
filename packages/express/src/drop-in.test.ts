import { closing } from '@socket-port/testkit/drop-in/closing'
import type { DropIn } from '@socket-port/testkit/drop-in/drop-in'
import { listening } from '@socket-port/testkit/drop-in/listening'
import base from 'express'
import express from './index.ts'

const dropIn: DropIn = {
  name: 'Express',
  base,
  create(options, answer) {
    const app = express(options)
    if (answer) app.use(async ({ path }, response) => void response.send(await answer(path)))
    return app
  },
}

listening(dropIn)
closing(dropIn)
