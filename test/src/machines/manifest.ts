import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1'
import { type IService, Service } from 'kubernetes-models/v1'
import { ROOT, readRoot } from '../docs/documents.ts'
import { TSC } from '../docs/project.ts'

/** The objects of `examples/machines/kubernetes.yaml`. */
export interface Manifest {
  deployment: IDeployment
  service: IService
}

/** Reads the manifest. Each call returns objects of its own. */
export function readManifest(): Manifest {
  const [deployment, service] = loadAll(readRoot('examples/machines/kubernetes.yaml'))
  return { deployment: deployment as IDeployment, service: service as IService }
}

/** Throws if the manifest does not fit the schema of the Kubernetes API. */
export function checkSchema({ deployment, service }: Manifest): void {
  new Deployment(deployment).validate()
  new Service(service).validate()
}

/**
 * What the compiler says of the manifest, with the types of the Kubernetes API. The schema has no objection to a field that
 * the API does not know, such as one with a typing error; the compiler has.
 */
export function compile({ deployment, service }: Manifest): string {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'socket-port-manifest-'))
  try {
    mkdirSync(join(dir, 'node_modules'))
    symlinkSync(
      join(ROOT, 'test/node_modules/kubernetes-models'),
      join(dir, 'node_modules/kubernetes-models'),
    )
    const options = {
      module: 'nodenext',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    }
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }))
    writeFileSync(
      join(dir, 'manifest.mts'),
      `import type { IDeployment } from 'kubernetes-models/apps/v1'
import type { IService } from 'kubernetes-models/v1'
export const deployment: IDeployment = ${JSON.stringify(deployment)}
export const service: IService = ${JSON.stringify(service)}
`,
    )
    return spawnSync(process.execPath, [TSC, '-p', dir], { encoding: 'utf8' }).stdout
  } finally {
    rmSync(dir, { recursive: true })
  }
}
