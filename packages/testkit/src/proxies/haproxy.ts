import type { ProxyKind } from './proxy.ts'

/** HAProxy, which has one pool of connections for all clients. */
export const haproxy: ProxyKind = {
  command: 'haproxy',
  // HAProxy closes half of its unused connections at each pool-purge-delay. With this value, none during a test.
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
  timeout tunnel 60s
  retries 0
  no option redispatch
listen app
  bind 127.0.0.1:${port} backlog 4096
  http-reuse always
  server app 127.0.0.1:${upstream} pool-purge-delay 60s
`,
  args: (_dir, file) => ['-W', '-f', file],
  ready: /Loading success/,
  harmless: /^\[NOTICE\]/,
}
