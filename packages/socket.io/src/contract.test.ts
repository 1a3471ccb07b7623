import { expect, test } from 'vitest'
import { afterTest, client, program, relayTo, VERSIONS } from './testing/programs.ts'

test.each(VERSIONS)(
  'socket.io %s: a client keeps all that it has, and sees nothing',
  async (version) => {
    const first = await program({ version })
    const { relay, port } = await relayTo(first)
    const one = await client(port)
    const admin = await client(port, '/admin', { auth: { room: 'b' } })
    afterTest(() => one.socket.io.engine.close())
    const before = [await one.count(), await admin.count()]
    const { id } = one.socket.io.engine as never as { id: string }

    const [served] = first.io.sockets.sockets.values()
    const second = await program({ version })
    relay.use(second.http)
    const pinged = new Promise((resolve) => one.socket.io.once('ping', () => resolve('ping')))
    const counting = one.count()
    expect(await relay.move()).toEqual([])
    expect(await counting).toMatchObject({ count: 2, id: one.socket.id, rooms: ['room a'] })
    expect(await pinged).toBe('ping')
    expect(before).toMatchObject([
      { count: 1, id: one.socket.id },
      { count: 1, id: admin.socket.id },
    ])
    expect(await admin.count()).toMatchObject({ count: 2, id: admin.socket.id, rooms: ['room b'] })
    expect(Object.keys((second.io.engine as never as { clients: object }).clients)).toEqual([id])
    const broadcasts = [one.next('all'), admin.next('all')]
    second.io.to('room a').emit('all', 1)
    second.io.of('/admin').to('room b').emit('all', 2)
    expect(await Promise.all(broadcasts)).toEqual([1, 2])
    expect([...one.seen, ...admin.seen, ...relay.refusals]).toEqual([])

    expect(first.log).toEqual([
      '/ connection',
      '/admin connection',
      '/ handover of 2 rooms',
      '/admin handover of 2 rooms',
    ])
    expect([first.io.engine.clientsCount, first.io.sockets.sockets.size]).toEqual([0, 0])
    expect(first.io.sockets.adapter.rooms.size).toBe(0)
    expect(second.log).toEqual(['/ connection, recovered', '/admin connection, recovered'])
    expect(second.io.engine.clientsCount).toBe(1)
    expect([served?.connected, served?.emit('all', 3)]).toEqual([false, false])
    const late = new Promise((resolve) => served?.timeout(1).emit('all', resolve))
    expect(await late).toMatchObject({ message: 'operation has timed out' })

    one.socket.close()
    await second.logged('/ disconnect client namespace disconnect')
  },
)
