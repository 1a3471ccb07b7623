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
      // The package is there but may not be loaded (--no-addons). Another copy would fail as well.
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw failure
}

/*
 * The files from which the package is looked up, in this order:
 * 1. This module, or the bundle that contains it. A CommonJS bundle has `__filename`, and no `import.meta.url`. In a module
 *    `__filename` may be a global one: `node -e` sets it to `[eval]`.
 * 2. The program: the bundle may be stored elsewhere.
 * 3. Node's own binary: an executable that contains the program has neither of the two.
 *
 * The working directory is not among them: it must not decide which native code runs.
 */
function bases(): string[] {
  return [commonJsFile(), import.meta.url, process.argv[1], process.execPath].filter(
    // A bundler may have left a name that is no absolute path.
    (base) => base !== undefined && /^(\/|[A-Za-z]:[\\/]|file:)/.test(base),
  ) as string[]
}

function commonJsFile(): string | undefined {
  // Not `typeof __filename`: webpack replaces it by 'string' in an ES module too, where the name is not defined.
  try {
    return __filename
  } catch {
    return undefined
  }
}
