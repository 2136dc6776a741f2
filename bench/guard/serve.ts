// Runs a framework until the parent is done with it. Arguments: framework, 'guarded' or not, folder.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

import type { Served } from '../acknowledge/serve.ts'
import { openErasure } from '../support/erasure.ts'
import { answerParent, argument } from '../support/parent.ts'
import { FRAMEWORKS } from './frameworks.ts'

const serve = FRAMEWORKS.get(argument(0))
if (serve === undefined) throw new TypeError(`There is no framework ${argument(0)}`)
const erasure = argument(1) === 'guarded' ? await openErasure(argument(2)) : undefined
const port = await freePort()
await serve(port, erasure)
answerParent({ port, pid: process.pid } satisfies Served)

/** The frameworks do not say which port they were given. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return address.port
}
