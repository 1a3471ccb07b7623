import { PassThrough } from 'node:stream'
import type { Io } from '../base/io.ts'

export interface FakeIo extends Io {
  readonly written: () => { stdout: string; stderr: string }
}

/** Streams that are not terminals, and the text that was written to them. */
export function fakeIo(): FakeIo {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? ''
  return { stdin, stdout, stderr, written: () => ({ stdout: text(stdout), stderr: text(stderr) }) }
}
