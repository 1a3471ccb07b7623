import type { Module } from 'node:module'

/**
 * Loads a package with native code, and returns what it exports; throws what `require` threw first.
 *
 * With `require`, because `app.listen` of Express and Koa is synchronous. Not with `createRequire`
 * by name: programs that are bundled often get `import { createRequire } from 'module'` as a banner,
 * and one module cannot declare a name twice.
 */
export function requireNative(name: string): unknown {
  const { createRequire } = process.getBuiltinModule('module') as typeof Module
  let failure: unknown
  for (const base of bases()) {
    try {
      return createRequire(base)(name)
    } catch (error) {
      failure ??= error
      // It is there, and may not be loaded (--no-addons): no other copy may.
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw failure
}

/*
 * From where the package may be seen: this module, or the bundle that it has become part of. As
 * CommonJS a bundle has no `import.meta.url`, but `__filename`. Then the program and Node's own binary:
 * a bundle may be loaded from elsewhere, and an executable with the program inside has neither.
 * Not the working directory: native code is not taken from wherever a command was typed.
 */
function bases(): string[] {
  const own = typeof __filename === 'string' ? __filename : import.meta.url
  return [own, process.argv[1], process.execPath].filter(
    // A bundler may have left a name that is no absolute path.
    (base) => base !== undefined && /^(\/|[A-Za-z]:[\\/]|file:)/.test(base),
  ) as string[]
}
