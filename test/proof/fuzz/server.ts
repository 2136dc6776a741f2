// The server under test, in a process of its own: argv[2] says what is behind the port.
import { randomBytes } from 'node:crypto'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import { listen } from '../../../lib/doors/http/listen.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { until } from '../../support/until.ts'
import { serveBridge } from './bridge.ts'
import type { Ask, Told } from './child.ts'
import { FUZZ_TOKEN } from './tokens.ts'

const OPEN = 'erasure:request:'
const TOMBSTONE = 'erasure:tombstone:'
const RECORD = 'erasure:record:'

const store = memoryStore()
const registration = {
  hs_token: FUZZ_TOKEN,
  sender_localpart: 'bridge',
  namespaces: { users: [{ exclusive: true, regex: '@_ghost_.*:example\\.org' }] },
}
const erasure = await createErasure({
  registration,
  key: randomBytes(32),
  store,
  allowVolatileStore: true,
  settleMs: 0,
  // What is logged is read by the parent, which looks for what was sent.
  logger: console,
})
erasure.onUserErase('nothing', { purge: async () => {}, verify: async () => 0 })
await erasure.start()

const serve = process.argv[2] === 'bridge' ? serveBridge : listen
const server = await serve(erasure, {
  port: 0,
  headersTimeoutMs: Number(process.argv[3]),
  requestTimeoutMs: 2 * Number(process.argv[3]),
})

const keysOf = (kind: string) =>
  [...store.documents.keys()].filter(key => key.startsWith(kind))
const count = (kind: string) => keysOf(kind).length
const forget = (kind: string) => {
  for (const key of keysOf(kind)) store.documents.delete(key)
}

async function answer({ ask, users = [] }: Ask): Promise<Told> {
  if (ask === 'effects') {
    // While a request is open its tombstone is renewed, also one that was deleted here.
    await until('every request is finished', () => count(OPEN) === 0)
    const erased: string[] = []
    for (const user of users) if (await erasure.isErased(user)) erased.push(user)
    const tombstones = count(TOMBSTONE)
    forget(TOMBSTONE)
    return { erased, tombstones }
  }
  forget(RECORD)
  globalThis.gc?.()
  globalThis.gc?.()
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  return { rss, heapUsed, external, arrayBuffers }
}

process.on('message', async (ask: Ask) => {
  if (ask.ask !== 'end') {
    process.send?.(await answer(ask))
    return
  }
  process.off('disconnect', exit)
  await server.close()
  await erasure.close()
  process.disconnect()
})
/** The process that started it has gone. */
const exit = () => process.exit()
process.on('disconnect', exit)
process.send?.({ port: server.port } satisfies Told)
