// What a program for Express says, with nothing changed but the import.
import type { Server } from 'node:http'
import express, {
  type Express as ExpressApp,
  json,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from '@socket-port/express'
import type base from 'express'

declare global {
  namespace Express {
    interface Request {
      user?: string
    }
  }
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function isTrue<_T extends true>(): void {}

const app = express()
isTrue<Same<typeof app, base.Express>>()
isTrue<Same<typeof app, express.Express>>()
const asExpress: ExpressApp = app

const log: RequestHandler = (request, _response, next) => next(request.user)
function show(request: Request<{ id: string }>, response: Response, next: NextFunction): void {
  isTrue<Same<typeof request.params.id, string>>()
  response.status(200).json({ id: request.params.id })
  next()
}
const fail: express.ErrorRequestHandler = (_error, _request, response, _next) => {
  response.sendStatus(500)
}
const router: Router = Router({ mergeParams: true })
const routerToo: express.Router = express.Router()
router.get('/:id', log, show)
app.use(json({ limit: '1mb' }), express.urlencoded({ extended: true }), express.static('public'))
app.use('/api', router, routerToo, fail)
app.get('/typed/:name', (request, response) => {
  isTrue<Same<typeof request.params.name, string>>()
  response.send(request.params.name)
})
function both(request: express.Request, response: express.Response): void {
  response.set('x-app', String(request.app === asExpress))
}
app.use((request, response, next) => {
  both(request, response)
  next()
})

isTrue<Same<typeof express.json, typeof base.json>>()
isTrue<Same<typeof express.raw, typeof base.raw>>()
isTrue<Same<typeof express.text, typeof base.text>>()
isTrue<Same<typeof express.urlencoded, typeof base.urlencoded>>()
isTrue<Same<typeof express.static, typeof base.static>>()
isTrue<Same<typeof express.Router, typeof base.Router>>()
isTrue<Same<typeof express.application, typeof base.application>>()
isTrue<Same<typeof express.request, typeof base.request>>()
isTrue<Same<typeof express.response, typeof base.response>>()
isTrue<Same<Exclude<keyof typeof base, keyof typeof express>, never>>()

const server = app.listen(8080, () => console.log('listening'))
isTrue<Same<typeof server, Server>>()
app.listen()
app.listen(8080)
app.listen(8080, '127.0.0.1')
app.listen(8080, '127.0.0.1', 511, () => {})
app.listen('/run/app.sock')
app.listen({ port: 8080, exclusive: true }, () => {})

express({ drain: { timeout: 10_000 }, inherit: 'require', name: 'app', logger: console })
const options: import('@socket-port/express').AttachOptions = { signals: ['SIGTERM'] }
express(options)
// @ts-expect-error the port is said to listen
express({ port: 8080 })
// @ts-expect-error an option that does not exist
express({ drian: {} })
// @ts-expect-error a value that does not exist
express({ inherit: 'maybe' })
