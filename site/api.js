import { fileURLToPath } from 'node:url'
import { Application } from 'typedoc'
import { PAGES, REPOSITORY } from './paths.js'

const TSCONFIG = fileURLToPath(new URL('./tsconfig.api.json', import.meta.url))

/** Writes a page for each entry of each package, from its docstrings. Returns `[name, path]` of each. */
export async function writeApi(entryPoints) {
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    entryPoints,
    tsconfig: TSCONFIG,
    name: 'API',
    outputFileStrategy: 'modules',
    out: `${PAGES}api`,
    readme: 'none',
    entryFileName: 'index',
    hideBreadcrumbs: true,
    hidePageHeader: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeInternal: true,
    // Another version of TypeScript than that of the packages; their own typecheck is what counts.
    skipErrorChecking: true,
    disableGit: true,
    sourceLinkTemplate: `${REPOSITORY}/blob/main/{path}#L{line}`,
    basePath: fileURLToPath(new URL('../', import.meta.url)),
    gitRevision: 'main',
    logLevel: 'Warn',
    useCodeBlocks: true,
    useHTMLAnchors: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    propertyMembersFormat: 'table',
    enumMembersFormat: 'table',
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('TypeDoc could not read the packages')
  for (const module of project.children) module.name = entryName(module.sources[0].fileName)
  project.children.sort((one, other) => (one.name < other.name ? -1 : 1))
  await app.generateOutputs(project)
  return project.children.map(({ name }) => name)
}

/** `packages/ws/src/protocol.ts` is `@socket-port/ws/protocol`. */
function entryName(file) {
  const [, folder, entry] = /packages\/(.+)\/src\/(.+)\.ts$/.exec(file)
  return `@socket-port/${folder}${entry === 'index' ? '' : `/${entry}`}`
}
