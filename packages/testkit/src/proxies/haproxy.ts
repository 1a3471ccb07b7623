import type { ProxyKind } from './proxy.ts'

/** HAProxy with one pool for all its clients. */
export const haproxy: ProxyKind = {
  command: 'haproxy',
  // Half of the idle connections that it has not needed go at each pool-purge-delay: no test lasts so long.
  config: ({ port, upstream }) => `
global
  maxconn 1024
  nbthread 1
defaults
  mode http
  log stderr format raw local0
  option httplog
  option dontlog-normal
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  retries 0
  no option redispatch
listen app
  bind 127.0.0.1:${port} backlog 4096
  http-reuse always
  server app 127.0.0.1:${upstream} pool-purge-delay 60s
`,
  args: (_dir, file) => ['-W', '-f', file],
  ready: 'Loading success',
  harmless: /^\[NOTICE\]/,
}
