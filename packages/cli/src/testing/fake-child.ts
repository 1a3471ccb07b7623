import type { Child, Exit, Joined, ServerProcess } from '../supervisor/child.ts'

/** A process that is controlled by a test. */
export class FakeChild implements Child {
  readonly pid: number
  readonly exited: Promise<Exit>
  readonly signals: string[] = []
  accepting = false
  readonly passed: number[][] = []
  output = ''
  /** Ends by itself when it is sent SIGTERM or SIGINT. */
  obedient = true
  readonly servers: number[] = []
  readonly kept: number[][] = []
  #exit: (exit: Exit) => void = () => {}

  constructor(pid: number) {
    this.pid = pid
    this.exited = new Promise((resolve) => {
      this.#exit = resolve
    })
  }

  exit(exit: Partial<Exit>): void {
    this.#exit({ code: null, signal: null, ...exit })
  }

  signal(signal: NodeJS.Signals): void {
    this.signals.push(signal)
    if (this.obedient && (signal === 'SIGTERM' || signal === 'SIGINT')) this.exit({ code: 0 })
    if (signal === 'SIGABRT' && this.obedient) this.exit({ signal })
  }

  /** It may not be signalled. */
  isForeign = false

  kill(): boolean {
    this.signals.push('kill')
    this.exit(this.isForeign ? { error: 'process 1 goes on' } : { signal: 'SIGKILL' })
    return !this.isForeign
  }

  tail(): string {
    return this.output
  }

  join({ pid }: ServerProcess): Joined {
    this.servers.push(pid)
    return { fds: [], passed() {} }
  }

  pass(fds: readonly number[]): boolean {
    this.passed.push([...fds])
    return true
  }

  keep(fds: readonly number[]): void {
    this.kept.push([...fds])
  }

  passKept(): void {
    this.passed.push(...this.kept.splice(0))
  }

  dropKept(): void {
    this.kept.length = 0
  }

  tellNext(): void {
    this.signals.push('next')
  }

  isAccepting(): boolean {
    return this.accepting
  }
}
