import type { Child, Exit } from '../supervisor/child.ts'

/** A process that does what a test says. */
export class FakeChild implements Child {
  readonly pid: number
  readonly exited: Promise<Exit>
  readonly signals: string[] = []
  accepting = false
  readonly passed: number[][] = []
  output = ''
  /** Ends by itself when it is sent SIGTERM or SIGINT. */
  obedient = true
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

  kill(): void {
    this.signals.push('kill')
    this.exit({ signal: 'SIGKILL' })
  }

  tail(): string {
    return this.output
  }

  pass(fds: readonly number[]): boolean {
    this.passed.push([...fds])
    return true
  }

  sayLast(): void {
    this.signals.push('last')
  }

  isAccepting(): boolean {
    return this.accepting
  }
}
