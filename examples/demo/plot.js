import { axisX, axisY, dot, gridY, plot, ruleX, text } from '@observablehq/plot'
import { parseHTML } from 'linkedom'

// The picture follows the colour scheme that the reader prefers; on GitHub, that of the system.
const COLOURS = `
  svg { --back: #ffffff; --ink: #1f2328; --grid: #d1d9e0; --served: #0969da; --failed: #d1242f; --mark: #57606a }
  @media (prefers-color-scheme: dark) {
    svg { --back: #0d1117; --ink: #e6edf3; --grid: #30363d; --served: #58a6ff; --failed: #ff6b63; --mark: #9198a1 }
  }
  svg { background: var(--back); color: var(--ink) }`

const WIDTH = 840
const PANEL = 104

/** Returns an SVG with a panel for each way: a dot for each request, at the time when its client wanted to send it. */
export function draw(panels, { before, after }) {
  const { document } = parseHTML('<html><body></body></html>')
  const dots = panels.flatMap(({ title, requests }) => requests.map((one) => ({ ...one, title })))
  const failed = dots.filter((one) => one.failed)
  const served = dots.filter((one) => !one.failed)
  const place = { x: 'at', y: 'ms', fy: 'title' }
  const svg = plot({
    document,
    width: WIDTH,
    height: 60 + PANEL * panels.length,
    marginLeft: 56,
    marginTop: 20,
    marginBottom: 40,
    style: { fontFamily: 'system-ui, sans-serif', fontSize: '12px', background: 'var(--back)' },
    x: { domain: [-before, after] },
    y: { type: 'log', domain: [10, 5_000], clamp: true },
    fy: { domain: panels.map(({ title }) => title), axis: null, padding: 0.24 },
    marks: [
      gridY([10, 100, 1_000], { stroke: 'var(--grid)', strokeOpacity: 1 }),
      axisY([10, 100, 1_000], {
        label: null,
        tickFormat: (ms) => (ms < 1_000 ? `${ms} ms` : '1 s'),
      }),
      axisX({
        anchor: 'bottom',
        label: 'milliseconds from the start of the restart',
        labelAnchor: 'center',
        labelArrow: 'none',
      }),
      ruleX([0], { stroke: 'var(--mark)', strokeDasharray: '4 3' }),
      dot(served, { ...place, r: 1.8, fill: 'var(--served)', fillOpacity: 0.7 }),
      dot(failed, { ...place, r: 2.2, fill: 'var(--failed)' }),
      text(panels, {
        fy: 'title',
        frameAnchor: 'top-left',
        dy: -16,
        text: 'title',
        fontWeight: 600,
      }),
      text(panels, {
        fy: 'title',
        frameAnchor: 'top-right',
        dy: -16,
        text: (panel) => `${panel.failed} failed, longest wait ${Math.round(panel.longest)} ms`,
        fill: (panel) => (panel.failed > 0 ? 'var(--failed)' : 'var(--ink)'),
      }),
    ],
  })
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  svg.setAttribute('role', 'img')
  const title = document.createElement('title')
  title.textContent = `Requests around a restart. ${panels
    .map((panel) => `${panel.title}: ${panel.failed} of ${panel.requests.length} failed.`)
    .join(' ')}`
  // Remove the style of the library, which sets a background.
  svg.querySelector('style').remove()
  const style = document.createElement('style')
  style.textContent = COLOURS
  svg.prepend(title, style)
  return `${short(svg.outerHTML)}\n`
}

/** Rounds the coordinates to a tenth of a pixel, so that the file is smaller. */
const short = (markup) =>
  markup.replace(/(?<=[ ,("])-?\d+\.\d{2,}/g, (number) => String(Math.round(number * 10) / 10))
