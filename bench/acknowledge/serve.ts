// Runs one of the servers until the parent is done with it.
import { answerParent, argument } from '../support/parent.ts'
import { SERVERS } from './servers.ts'

/** Where the server is. */
export interface Served {
  readonly port: number
  readonly pid: number
}

const serve = SERVERS.get(argument(0))
if (serve === undefined) throw new TypeError(`There is no server named ${argument(0)}`)
answerParent({ port: await serve(argument(1)), pid: process.pid } satisfies Served)
