import { haproxy as plainHaproxy } from '@socket-port/testkit/proxies/haproxy'
import { nginx as plainNginx } from '@socket-port/testkit/proxies/nginx'
import type { ProxyKind } from '@socket-port/testkit/proxies/proxy'
import { readRoot } from '../docs/documents.ts'
import type { Name, TwoMachines } from './two-machines.ts'

/** Replaces what must be there. */
function replaced(text: string, replacements: readonly (readonly [string, string])[]): string {
  return replacements.reduce((config, [what, by]) => {
    if (!config.includes(what)) throw new Error(`no "${what}" in ${config}`)
    return config.replaceAll(what, by)
  }, text)
}

const addresses = (machines: TwoMachines): readonly (readonly [string, string])[] => [
  ['10.0.0.1', machines.addressOf('a')],
  ['10.0.0.2', machines.addressOf('b')],
]

/** `examples/machines/haproxy.cfg` with the addresses of the machines. `change` makes it another one. */
export const haproxy = (
  machines: TwoMachines,
  change = (config: string): string => config,
): ProxyKind => ({
  ...plainHaproxy,
  config: ({ port }) =>
    change(
      replaced(readRoot('examples/machines/haproxy.cfg'), [
        ['bind :80\n', `bind 127.0.0.1:${port} backlog 4096\n`],
        ...addresses(machines),
      ]),
    ),
})

/** What HAProxy prints when it takes out an instance that has said so, and not because it cannot be reached. */
export const isTakenOut = (name: Name): RegExp =>
  new RegExp(`app/${name} is DOWN, reason: Layer7 wrong status, code: 503`)

export const NGINX_WORKERS = 2

/** The same of `examples/machines/nginx.conf`. `folder`: where it looks for the names of instances to leave out. */
export const nginx = (machines: TwoMachines, folder: string): ProxyKind => ({
  ...plainNginx,
  config: ({ port }) =>
    `daemon off;
error_log stderr notice;
pid nginx.pid;
${replaced(readRoot('examples/machines/nginx.conf'), [
  ['worker_processes auto', `worker_processes ${NGINX_WORKERS}`],
  ['listen 80;', `listen 127.0.0.1:${port} backlog=4096;`],
  ['http {\n', 'http {\n  access_log off;\n'],
  ['/run/nginx-without', folder],
  ...addresses(machines),
])}`,
})
