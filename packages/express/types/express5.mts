// What only the types of Express 5 have.
import express, { query } from '@socket-port/express'

express().listen(8080, (error) => {
  console.log(error?.message)
})

const gone: undefined = query
console.log(gone, new express.Route('/').get)
