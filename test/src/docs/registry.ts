import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'

export interface Tarball {
  readonly file: string
  readonly manifest: { readonly name: string; readonly version: string }
}

export interface Registry {
  readonly url: string
  close(): void
}

/** Serves packed packages to package managers, each in its one version, and knows no other package. */
export async function openRegistry(tarballs: readonly Tarball[]): Promise<Registry> {
  const server = createServer(({ url = '' }, response) => {
    const path = decodeURIComponent(url.slice(1))
    const file = tarballs.find((tarball) => basename(tarball.file) === path)?.file
    const asked = tarballs.find(({ manifest }) => manifest.name === path)
    // The port is another next time, so what is stored under it is of no use.
    response.setHeader('cache-control', 'no-store')
    if (file !== undefined) response.end(readFileSync(file))
    else if (asked !== undefined) response.end(JSON.stringify(describe(asked, urlOf(server))))
    else response.writeHead(404).end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { url: urlOf(server), close: () => server.close() }
}

const urlOf = (server: Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

/** As github.com/npm/registry, docs/responses/package-metadata.md, has it. */
function describe({ file, manifest }: Tarball, registry: string): object {
  const { name, version } = manifest
  const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`
  const dist = { integrity, tarball: `${registry}${basename(file)}` }
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
  }
}
