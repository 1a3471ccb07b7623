// What only the types of Express 4 have.
import express, { query } from '@socket-port/express'

express().use(query({ allowDots: true }), express.query({}))
