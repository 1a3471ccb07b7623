// What only the types of Koa 2 have.
import Koa from '@socket-port/koa'

new Koa({ asyncLocalStorage: true }).use((context) => context.redirect('back', '/'))
