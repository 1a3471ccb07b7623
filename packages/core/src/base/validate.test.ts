import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { describe, expect, it } from 'vitest'
import { failure } from '../testing/failure.ts'
import { checkServer, complete, milliseconds } from './validate.ts'

describe('checkServer', () => {
  it('takes every kind of server', () => {
    const servers = [
      net.createServer(),
      tls.createServer(),
      http.createServer(),
      https.createServer(),
    ]
    for (const server of [...servers, http2.createServer(), http2.createSecureServer()]) {
      expect(() => checkServer(server)).not.toThrow()
    }
  })

  it.each([
    [function express() {}, 'function express'],
    [new Map(), 'Map'],
    [null, 'null'],
    [undefined, 'undefined'],
    [8080, '8080'],
  ])('refuses %s', (server, shown) => {
    const error = failure(() => checkServer(server))
    expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
    expect(error.message).toBe(
      `server must be of node:net, http, https or http2: http.createServer(app) (got ${shown})`,
    )
  })
})

describe('complete', () => {
  const checks = { timeout: milliseconds(7) }

  it('uses the default only where no value was given', () => {
    expect(complete({}, checks)).toEqual({ timeout: 7 })
    expect(complete({ timeout: undefined }, checks)).toEqual({ timeout: 7 })
    expect(complete({ timeout: 0 }, checks)).toEqual({ timeout: 0 })
    expect(() => complete({ timeout: null }, checks)).toThrow('timeout must be')
  })

  it('runs no check for an option that was not given', () => {
    const check = (): never => {
      throw new Error('checked')
    }
    expect(complete({}, { host: { check, fallback: 'any' } })).toEqual({ host: 'any' })
  })
})
