import { cpus, release, totalmem, type } from 'node:os'

/** Facts about the machine, on which the numbers depend. */
export interface Machine {
  readonly node: string
  readonly v8: string
  readonly cores: number
  readonly cpu: string
  readonly kernel: string
  readonly memoryGiB: number
}

export function describeMachine(): Machine {
  const cores = cpus()
  return {
    node: process.version,
    v8: process.versions.v8,
    cores: cores.length,
    cpu: cores[0]?.model.trim() ?? process.arch,
    kernel: `${type()} ${release()}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  }
}

export function machineLine({ node, v8, cores, cpu, kernel, memoryGiB }: Machine): string {
  return `Node ${node} (V8 ${v8}), ${cores} cores (${cpu}), ${memoryGiB} GiB, ${kernel}`
}

// Descriptors that a process needs besides its connections.
const OTHER_FILES = 200

/** How many connections a process may have open, beside its other descriptors. */
export const mostConnections = (): number => openFilesLimit() - OTHER_FILES

/** How many descriptors a process may have open. */
export function openFilesLimit(): number {
  // Typed as a string or an object by version of @types/node; it has always been an object.
  const report = process.report?.getReport() as unknown as {
    userLimits?: { open_files?: { soft: number | 'unlimited' } }
  }
  const limit = report.userLimits?.open_files?.soft
  return typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY
}
