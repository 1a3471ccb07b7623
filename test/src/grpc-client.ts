import { Client, type ClientReadableStream, credentials, type ServiceError } from '@grpc/grpc-js'

const serialize = (text: string): Buffer => Buffer.from(text)
const deserialize = String

/** What was answered while a process drained, whose stream was open. */
export interface Beside {
  answered: number
  next: boolean
}

/** Unary calls, one after the other in each of several loops, beside one stream that never ends; all on one channel. */
export class GrpcCalls {
  calls = 0
  readonly failures: string[] = []
  /** The process that answered last. */
  pid: number | undefined
  /** The process that the open stream comes from; `undefined` while none is open. */
  watched: number | undefined
  readonly #client: Client
  readonly #loops: Promise<void>[] = []
  #stream: ClientReadableStream<string> | undefined
  #stopped = false
  #waiting: { holds: () => boolean; resolve: () => void }[] = []

  /** `ca`: TLS, with a certificate of this authority for `localhost`. */
  constructor(port: number, loops: number, ca?: string) {
    const channel =
      ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca))
    this.#client = new Client(`127.0.0.1:${port}`, channel, {
      // By default grpc-js makes a call once more that was refused, so not handled, and no other one (gRFC A6, transparent
      // retries). Any client may have to: see docs/drain.md, "HTTP/2".
      ...(ca !== undefined && { 'grpc.ssl_target_name_override': 'localhost' }),
    })
    for (let loop = 0; loop < loops; loop += 1) this.#loops.push(this.#loop(loop))
  }

  /** Opens the stream; resolves with the process that it comes from. */
  watch(): Promise<number> {
    const path = '/test.Test/watch'
    const stream = this.#client.makeServerStreamRequest(path, serialize, deserialize, 'all')
    this.#stream = stream
    return new Promise((resolve, reject) => {
      stream.on('data', (pid: string) => {
        this.watched = Number(pid)
        resolve(this.watched)
      })
      stream.on('error', (error) => {
        this.watched = undefined
        reject(error)
        this.#look()
      })
    })
  }

  /** Resolves when it is so; looked at after each call, and when the stream begins or ends. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve })
      this.#look()
    })
  }

  /**
   * Opens the stream, and has the process replaced that it comes from. Resolves when the stream has ended: with the number of calls
   * that were answered while it was open, and whether the next process was among those that answered.
   */
  async whileReplaced(replace: () => Promise<unknown>): Promise<Beside> {
    const old = await this.watch()
    await this.until(() => this.pid === old)
    const replaced = replace()
    // The test awaits it later.
    replaced.catch(() => {})
    const before = this.calls
    await this.until(() => this.pid !== old || this.watched === undefined)
    const next = this.watched === old
    await this.until(() => this.watched === undefined)
    const answered = this.calls - before
    await replaced
    return { answered, next }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
    this.#stream?.cancel()
    this.#client.close()
  }

  async #loop(loop: number): Promise<void> {
    for (let count = 0; !this.#stopped; count += 1) {
      await this.#echo(`${loop}-${count}`)
      this.calls += 1
      this.#look()
    }
  }

  #echo(id: string): Promise<void> {
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, answer = ''): void => {
        const [pid, echoed] = answer.split(' ')
        if (error !== null) this.failures.push(`${id}: ${error.message}`)
        else if (echoed !== id) this.failures.push(`${id}: "${answer}"`)
        this.pid = Number(pid)
        resolve()
      }
      this.#client.makeUnaryRequest('/test.Test/echo', serialize, deserialize, id, done)
    })
  }

  #look(): void {
    for (const { holds, resolve } of this.#waiting) if (holds()) resolve()
    this.#waiting = this.#waiting.filter(({ holds }) => !holds())
  }
}
