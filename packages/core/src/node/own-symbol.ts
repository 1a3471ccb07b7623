/**
 * Returns what Node keeps in an object under a symbol of its own with this description; `undefined` if this
 * version of Node has none.
 */
export function ownSymbol(owner: object, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(owner).find((own) => own.description === description)
  return symbol && Reflect.get(owner, symbol)
}
