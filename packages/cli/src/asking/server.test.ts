import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { openAskServer } from './server.ts'

describe(...requireOrSkip('openAskServer', linuxSkipReason()), () => {
  it('lets the processes below one started process not take all connections', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'asking-'))
    const refused: string[] = []
    // Each connection is of a process below the first of these that is left.
    const started = [7, 7, 7, 8]
    const admitted: number[] = []
    let done = 0
    const server = await openAskServer(
      join(folder, 'a.ask'),
      {
        admit: () => {
          const pid = started.shift() as number
          admitted.push(pid)
          return {
            started: pid,
            answer: () => ({ answer: { kind: 'refused', reason: `below ${pid}` }, fds: [] }),
            done: () => {
              done += 1
            },
          }
        },
        refused: (_, reason) => refused.push(reason),
      },
      { all: 8, below: 2, ofProcess: 8, patience: 60_000 },
    )
    const open = (): Socket => connect(server.path)
    const silent = [open(), open()]
    expect(await text(open())).toMatch(/processes below process 7 have 2 requests open already/)
    expect([admitted, done]).toEqual([[7, 7, 7], 1])
    const other = open()
    other.write(`${JSON.stringify({ version: 1, port: 1 })}\n`)
    expect(await text(other)).toMatch(/below 8/)
    expect(refused).toEqual(['processes below process 7 have 2 requests open already', 'below 8'])
    await server.close()
    for (const socket of silent) socket.destroy()
    rmSync(folder, { recursive: true })
  })
})
