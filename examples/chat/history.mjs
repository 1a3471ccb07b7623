import { EventEmitter } from 'node:events'
import { fstatSync, openSync, readSync, watch, writeSync } from 'node:fs'

/**
 * The messages of the chat, as lines of a file that every process appends to and follows. Two processes serve during a restart,
 * so the memory of one process is not enough. A real chat has a database or Redis here.
 */
export class History extends EventEmitter {
  entries = []
  /** The names of the clients that are connected, by their ids. */
  names = new Map()
  #fd
  #end = 0

  constructor(path) {
    super()
    this.setMaxListeners(0)
    this.#fd = openSync(path, 'a+')
    watch(path, { persistent: false }, () => this.#read())
    this.#read()
  }

  append(entry) {
    // The kernel does not mix two writes to a file that is open for appending, so all processes see one order.
    writeSync(this.#fd, `${JSON.stringify(entry)}\n`)
    this.#read()
  }

  #read() {
    const bytes = Buffer.alloc(fstatSync(this.#fd).size - this.#end)
    readSync(this.#fd, bytes, { position: this.#end })
    const lines = bytes.subarray(0, bytes.lastIndexOf('\n') + 1)
    if (lines.length === 0) return
    this.#end += lines.length
    for (const line of lines.toString().trimEnd().split('\n')) this.#take(JSON.parse(line))
    this.emit('grown')
  }

  #take(entry) {
    this.entries.push(entry)
    if (entry.name) this.names.set(entry.id, entry.name)
    if (entry.left) this.names.delete(entry.id)
  }
}
