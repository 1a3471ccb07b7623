import { expect, test } from 'vitest'
import { formatFor } from './negotiate.ts'

test.each([
  [undefined, 'openmetrics'],
  ['', 'openmetrics'],
  ['*/*', 'openmetrics'],
  // A browser.
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'openmetrics'],
  ['application/json', 'openmetrics'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text; version="1.0.0"', 'openmetrics'],
  // Prometheus 2 and 3.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    'openmetrics',
  ],
  ['text/plain', 'text'],
  ['TEXT/PLAIN; Version=0.0.4', 'text'],
  ['text/*', 'text'],
  ['text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'text'],
  ['application/openmetrics-text;q=0.3, text/plain;q=0.4', 'text'],
  ['application/openmetrics-text;q=0, */*', 'text'],
  ['application/openmetrics-text;version=2.0.0,text/plain;q=0.1', 'text'],
  // The more specific range counts, although the other one is liked better.
  ['text/plain;q=0.2, text/*;q=0.9, application/*;q=0.3', 'openmetrics'],
  ['text/plain;q=2, application/openmetrics-text;q=0.1', 'openmetrics'],
])('Accept: %s gets %s', (accept, format) => {
  expect(formatFor(accept)).toBe(format)
})
