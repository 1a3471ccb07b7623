import dns from 'node:dns'
import { vi } from 'vitest'

type Callback = (error: null, ...found: unknown[]) => void

/**
 * Makes `localhost` resolve to both loopback addresses, whatever this machine has configured. A look-up waits for `before`.
 */
export function resolveLocalhost(before: () => unknown = () => {}): void {
  const { lookup } = dns
  const answer = (...args: unknown[]): void => {
    const [host, options] = args
    const callback = args.at(-1) as Callback
    if (host !== 'localhost') return void Reflect.apply(lookup, dns, args)
    const all = typeof options === 'object' && options !== null && 'all' in options
    const found = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]
    setImmediate(async () => {
      await before()
      if (all) callback(null, found)
      else callback(null, '127.0.0.1', 4)
    })
  }
  vi.spyOn(dns, 'lookup').mockImplementation(answer as typeof dns.lookup)
}
