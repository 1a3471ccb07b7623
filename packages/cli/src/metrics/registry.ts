import { createRequire } from 'node:module'
import type { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Format } from './negotiate.ts'

// Loads single modules: the index of prom-client loads summaries, process metrics and OpenTelemetry too, which take 9 MB and
// 90 ms instead of 1 MB and 4 ms.
const load = createRequire(import.meta.url)
type PromClient = typeof import('prom-client')

/** The metrics in one format. Each format needs a registry of its own: prom-client renames counters when it writes OpenMetrics. */
export class MetricRegistry {
  readonly contentType: string
  readonly #registry: Registry
  readonly #classes: Pick<PromClient, 'Counter' | 'Gauge' | 'Histogram'>

  constructor(format: Format) {
    const RegistryClass = load('prom-client/lib/registry.js') as PromClient['Registry']
    this.#classes = {
      Counter: load('prom-client/lib/counter.js') as PromClient['Counter'],
      Gauge: load('prom-client/lib/gauge.js') as PromClient['Gauge'],
      Histogram: load('prom-client/lib/histogram.js') as PromClient['Histogram'],
    }
    this.contentType =
      format === 'text'
        ? RegistryClass.PROMETHEUS_CONTENT_TYPE
        : RegistryClass.OPENMETRICS_CONTENT_TYPE
    this.#registry = new RegistryClass()
    // The types of prom-client allow only the default.
    this.#registry.setContentType(this.contentType as Registry['contentType'])
  }

  /** The metrics as they are now. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  histogram(name: string, help: string, buckets: number[]): Histogram {
    const registers = [this.#registry]
    return new this.#classes.Histogram({ name, help, buckets, registers })
  }

  /** A counter that its user increments. Each value of its labels has a 0 from the start, so that rates are right. */
  counted<T extends string = never>(
    name: string,
    help: string,
    labels: Partial<Record<T, readonly string[]>> = {},
  ): Counter<T> {
    const registers = [this.#registry]
    const labelNames = Object.keys(labels) as T[]
    const counter = new this.#classes.Counter<T>({ name, help, labelNames, registers })
    for (const label of labelNames) {
      for (const value of labels[label] ?? []) {
        counter.inc({ [label]: value } as Partial<Record<T, string>>, 0)
      }
    }
    return counter
  }

  /** A counter whose value is kept elsewhere: `read` is called each time when the metrics are asked for. */
  collected<T extends string>(
    name: string,
    help: string,
    labelNames: T[],
    read: (add: (labels: Partial<Record<T, string>>, count: number) => void) => void,
  ): void {
    new this.#classes.Counter<T>({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset()
        read((labels, count) => this.inc(labels, count))
      },
    })
  }

  /** A gauge that its user sets, or that `read` sets each time when the metrics are asked for. */
  measured<T extends string>(
    name: string,
    help: string,
    labelNames: T[] = [],
    read?: (gauge: Gauge<T>) => void,
  ): Gauge<T> {
    return new this.#classes.Gauge<T>({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      ...(read !== undefined && {
        collect() {
          read(this)
        },
      }),
    })
  }
}
