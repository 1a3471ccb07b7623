import type { ProxyKind } from './proxy.ts'

/** nginx with one worker, since each worker has a pool of connections of its own. */
export const nginx: ProxyKind = {
  command: 'nginx',
  // nginx retries a request only by proxy_next_upstream.
  config: ({ port, upstream }) => `
worker_processes 1;
daemon off;
error_log stderr notice;
pid nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  map $http_upgrade $connection_upgrade {
    default upgrade;
    '' '';
  }
  keepalive_requests 1000000;
  upstream app {
    server 127.0.0.1:${upstream};
    keepalive 64;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
    }
    location ~ ^/(live|socket\\.io)/ {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
      proxy_next_upstream off;
    }
  }
}
`,
  args: (dir, file) => ['-p', dir, '-e', 'stderr', '-c', file],
  ready: /start worker process /,
  harmless: /\[notice\]/,
}
