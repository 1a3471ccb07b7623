import { describe, expect, it } from 'vitest'

/** Where the types of the framework, and our source, list the names that they export. */
export interface NameLists {
  /** The text of the framework's types, by the name of the package. */
  readonly types: Readonly<Record<string, string>>
  /** Matches each name in the namespace of these types. */
  readonly declared: RegExp
  /** The least number of names there; fewer mean that the pattern is out of date. */
  readonly atLeast: number
  /** The text of our `index.ts`. */
  readonly source: string
  /** The name of our namespace. */
  readonly namespace: string
}

/** Tests that our namespace and our module both export every name of the types of the framework. */
export function everyName({ types, declared, atLeast, source, namespace }: NameLists): void {
  describe.each(Object.entries(types))('of the types of %s', (_, text) => {
    const [, body = ''] = text.split('declare namespace')
    const theirs = namesIn(body, declared)

    it.each([
      ['the namespace', new RegExp(`declare namespace ${namespace} \\{\n {2}export \\{([^}]*)\\}`)],
      ['the module', /^export \{([^}]*)\}/m],
    ])('%s has every name', (_, list) => {
      const ours = namesIn(list.exec(source)?.[1] ?? '', /(\w+),$/gm)
      expect(theirs.length).toBeGreaterThan(atLeast)
      expect(ours).toEqual(expect.arrayContaining(theirs))
    })
  })
}

const namesIn = (text: string, name: RegExp): (string | undefined)[] =>
  [...text.matchAll(name)].map(([, found]) => found)
