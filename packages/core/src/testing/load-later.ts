import { beforeAll } from 'vitest'
import { loadLater } from '../base/later.ts'

/**
 * A setup file: the tests begin when the code of the drain is loaded, as a server has it some milliseconds after it
 * listens. In these milliseconds responses promise keep-alive, also if the server drains already.
 */
beforeAll(loadLater)
