import { type Supervised, startSupervised } from '@socket-port/testkit/supervised'

/** Types a line `npx socket-port run … -- …` of a document, with this port for 8080; resolves when the first process serves. */
export async function superviseLine(
  line: string,
  port: number,
  how: { cwd: string; env?: Record<string, string>; prefix?: readonly string[] },
): Promise<Supervised> {
  const words = line.replace('8080', String(port)).replace(/^npx socket-port run /, '')
  const [options = '', command = ''] = words.split(' -- ')
  const supervised = startSupervised({
    ...how,
    args: options.split(' '),
    command: command.split(' '),
  })
  await supervised.printed(/generation 1(, worker \d+)? is ready/)
  return supervised
}
