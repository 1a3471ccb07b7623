export type Format = 'openmetrics' | 'text'

interface Range {
  type: string
  version: string | undefined
  quality: number
}

// The media types with their versions. If a client accepts two of them equally, it gets the first one.
const OFFERED = [
  { format: 'openmetrics', type: 'application/openmetrics-text', versions: ['1.0.0', '0.0.1'] },
  { format: 'text', type: 'text/plain', versions: ['0.0.4'] },
] as const

/**
 * The format that an Accept header asks for (RFC 9110, section 12.5.1): OpenMetrics unless the header prefers the text format of
 * Prometheus. If neither fits, the client gets OpenMetrics too, since an answer is better than none. Pure.
 */
export function formatFor(accept = '*/*'): Format {
  const ranges = accept.split(',').map(rangeOf)
  const [openmetrics, text] = OFFERED.map(({ type, versions }) => qualityOf(type, versions, ranges))
  return (text ?? 0) > (openmetrics ?? 0) ? 'text' : 'openmetrics'
}

function rangeOf(part: string): Range {
  const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
  const parameter = (name: string): string | undefined =>
    parameters.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1)
  const quality = Number(parameter('q') ?? 1)
  const version = parameter('version')?.replaceAll('"', '')
  return { type, version, quality: quality >= 0 && quality <= 1 ? quality : 0 }
}

/** The quality of the most specific range that contains the type; of several such ranges the highest. */
function qualityOf(type: string, versions: readonly string[], ranges: readonly Range[]): number {
  const [family] = type.split('/')
  for (const wanted of [type, `${family}/*`, '*/*']) {
    const fitting = ranges.filter(
      (range) =>
        range.type === wanted && (range.version === undefined || versions.includes(range.version)),
    )
    if (fitting.length > 0) return Math.max(...fitting.map(({ quality }) => quality))
  }
  return 0
}
