import { dirname } from 'node:path'
import { now } from '@socket-port/testkit/clock'
import { describe, expect, it, test } from 'vitest'
import { readRoot } from '../src/docs/documents.ts'
import { haproxy, isTakenOut } from '../src/machines/balancers.ts'
import { checkSchema, compile, type Manifest, readManifest } from '../src/machines/manifest.ts'
import { describeMachines } from '../src/machines/site.ts'
import { EXAMPLE, NAMES, type Name } from '../src/machines/two-machines.ts'

/** What the manifest says of its pods. */
function podOf({ deployment }: Manifest) {
  const { metadata, spec } = deployment.spec?.template ?? {}
  const container = spec?.containers[0]
  if (spec === undefined || container === undefined) throw new Error('no container')
  const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, `${value}`]))
  return {
    labels: metadata?.labels,
    container,
    env,
    grace: spec.terminationGracePeriodSeconds ?? 30,
  }
}

describe('the manifest', () => {
  test('fits the schema and the types of the Kubernetes API', () => {
    expect(() => checkSchema(readManifest())).not.toThrow()
    expect(compile(readManifest())).toBe('')
  })

  test('negative control: a wrong type does not fit the schema', () => {
    const manifest = readManifest()
    Object.assign(podOf(manifest).container.readinessProbe ?? {}, { periodSeconds: '1' })
    expect(() => checkSchema(manifest)).toThrow(/readinessProbe\/periodSeconds must be integer/)
  })

  test('negative control: a field that the API does not know does not compile', () => {
    const manifest = readManifest()
    Object.assign(podOf(manifest).container, { readynessProbe: {} })
    expect(compile(manifest)).toMatch(/"readynessProbe"' does not exist in type 'IContainer'/)
  })

  test('has numbers that fit each other', () => {
    const manifest = readManifest()
    const { deployment, service } = manifest
    const { labels, container, env, grace } = podOf(manifest)
    expect(deployment.spec?.selector.matchLabels).toEqual(labels)
    expect(service.spec?.selector).toEqual(labels)
    const [port] = container.ports ?? []
    expect(`${port?.containerPort}`).toBe(env.PORT)
    expect(service.spec?.ports?.[0]?.targetPort).toBe(port?.name)
    const { readinessProbe, livenessProbe, lifecycle } = container
    for (const probe of [readinessProbe, livenessProbe]) {
      expect(probe?.httpGet?.port).toBe(port?.name)
    }
    expect(readRoot('examples/machines/haproxy.cfg')).toContain(
      `httpchk GET ${readinessProbe?.httpGet?.path}\n`,
    )
    expect(lifecycle).toBeUndefined()
    const { periodSeconds = 0, failureThreshold = 0 } = readinessProbe ?? {}
    expect(Number(env.DRAIN_DELAY)).toBeGreaterThanOrEqual(2_000 * periodSeconds * failureThreshold)
    // The default of `drain.timeout`, and two hooks that take all their time.
    expect(grace).toBeGreaterThan(25 + 2 * 5)
  })
})

describeMachines('a pod of the manifest behind HAProxy, without a retry', 'haproxy', (site) => {
  it('ends within its grace period, and loses nothing', async () => {
    const { machines } = site
    const { container, env, grace } = podOf(readManifest())
    const start = (name: Name): Promise<void> =>
      machines.startAlone(name, {
        command: container.command ?? [],
        cwd: dirname(EXAMPLE),
        env,
        serves: /^http:\S+ \(bound\)$/m,
      })
    await Promise.all(NAMES.map(start))
    const { load, balancer } = await site.underLoad(haproxy(machines))
    const signalledAt = now()
    const stopped = machines.stop('a')
    await balancer.printed(isTakenOut('a'))
    const { code, at } = await stopped
    expect(code).toBe(0)
    expect(at - signalledAt).toBeLessThan(grace * 1_000)
    await load.oneRequestEach()
    await start('a')
    await balancer.printed(/app\/a is UP/)
    await load.oneRequestEach()
    expect((await load.stop()).failures).toEqual([])
  })
})
