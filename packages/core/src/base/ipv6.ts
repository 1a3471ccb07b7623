/**
 * The canonical text of an IPv6 address (RFC 5952), as `server.address()` has it: libuv formats both. The class is read
 * here and not at the top, because Node loads the module behind it only then, and most starts need none.
 */
export const canonicalIPv6 = (address: string): string => {
  const { SocketAddress } = process.getBuiltinModule('node:net')
  return new SocketAddress({ address, family: 'ipv6' }).address
}
