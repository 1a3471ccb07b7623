import { SocketPortError } from '../base/errors.ts'
import { lsofSystem } from '../proc/lsof.ts'
import { procSystem } from '../proc/proc-system.ts'
import type { System } from '../proc/system.ts'

/** Returns the system of a platform; throws ERR_SOCKET_PORT_KILL_FAILED where there is none. */
export function systemOf(platform: NodeJS.Platform, port: number): System {
  if (platform === 'linux') return procSystem
  if (platform === 'darwin') return lsofSystem
  const fix =
    platform === 'win32'
      ? `Stop-Process -Id (Get-NetTCPConnection -State Listen -LocalPort ${port}).OwningProcess`
      : 'the tools of the system'
  throw new SocketPortError(
    'ERR_SOCKET_PORT_KILL_FAILED',
    `Port ${port} cannot be freed on ${platform}, only on Linux and macOS. Free it with: ${fix}`,
    { port },
  )
}
