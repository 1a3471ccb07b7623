import { expect, it } from 'vitest'
import { counted } from './counted.ts'

it.each([
  [0, '0 connections, 0 processes'],
  [1, '1 connection, 1 process'],
  [2, '2 connections, 2 processes'],
  [11, '11 connections, 11 processes'],
  [21, '21 connections, 21 processes'],
])('%i has the right noun', (count, text) => {
  const all = [counted(count, 'connection'), counted(count, 'process', 'processes')]
  expect(all.join(', ')).toBe(text)
})
