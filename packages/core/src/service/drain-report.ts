import { counted } from '../base/counted.ts'
import type { DrainResult, EndedCounts, Logger } from '../base/types.ts'

/** Logs in one line what became of the connections of a server in its drain; as a warning if one was cut. */
export function logDrained(result: DrainResult, url: string, logger: Logger): void {
  const { served, handedOver, expired, forced, duration } = result
  const longLived = (how: keyof EndedCounts): string[] => [
    counted(result.webSockets[how], 'WebSocket'),
    counted(result.eventStreams[how], 'event stream'),
    counted(result.tunnels[how], 'tunnel'),
  ]
  const some = (...counts: string[]): string =>
    counts.filter((each) => !each.startsWith('0 ')).join(', ')
  const gone = some(counted(handedOver, 'connection'), ...longLived('handedOver'))
  const ended = some(...longLived('closed'))
  const message =
    `drained ${url} in ${Math.round(duration)} ms: ${counted(served, 'request')} served meanwhile, ` +
    (gone === '' ? '' : `${gone} handed over, `) +
    (ended === '' ? '' : `${ended} closed, `) +
    `${counted(expired, 'idle connection')} closed, ${counted(forced, 'connection')} cut`
  if (forced > 0) logger.warn(message)
  else logger.info(message)
}
