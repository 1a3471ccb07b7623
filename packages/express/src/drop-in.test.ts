import base from 'express'
import { closing } from '../../../test/suites/drop-in/closing.ts'
import type { DropIn } from '../../../test/suites/drop-in/drop-in.ts'
import { listening } from '../../../test/suites/drop-in/listening.ts'
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
