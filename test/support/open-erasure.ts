import { join } from 'node:path'

import { createErasure } from '../../lib/core/create-erasure.ts'
import type { Erasure } from '../../lib/core/erasure.ts'
import type { ErasureOptions } from '../../lib/core/options.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { type MemoryLog, memoryLog } from './memory-log.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'

/** What tests send as the homeserver's token. */
export const HS_TOKEN = 'the-hs-token-of-a-test'

export const REGISTRATION = {
  hs_token: HS_TOKEN,
  sender_localpart: 'bridge',
  namespaces: { users: [{ exclusive: true, regex: '@_ghost_.*:example\\.org' }] },
}

interface Test {
  testdir(): string
  teardown(callback: () => unknown): unknown
}

/** An erasure on a real SQLite file in the test's folder, closed when the test ends. */
export async function openErasure(
  t: Test,
  options: Partial<ErasureOptions> = {},
  directory = t.testdir(),
): Promise<Erasure> {
  const erasure = await createErasure({
    registration: REGISTRATION,
    key: join(directory, 'erasure.key'),
    store: options.store ?? sqliteStore({ path: join(directory, 'erasure.db') }),
    drainMs: 200,
    ...options,
  })
  t.teardown(() => erasure.close())
  return erasure
}

/** Options of an erasure that keeps everything in memory. */
export const volatile = (options: Partial<ErasureOptions> = {}): ErasureOptions => ({
  registration: REGISTRATION,
  key: Buffer.alloc(32),
  store: memoryStore(),
  allowVolatileStore: true,
  ...options,
})

/** A user whom {@link openVolatileErasure} refuses. */
export const REFUSED_USER = '@refused:example.org'

/** An erasure whose store can be made to fail, with everything it logs. */
export async function openVolatileErasure(
  t: Pick<Test, 'teardown'>,
  options: Partial<ErasureOptions> = {},
): Promise<{
  erasure: Erasure
  store: MemoryStore
  log: MemoryLog
  breakStore(broken: boolean): void
}> {
  const store = memoryStore()
  const log = memoryLog()
  const allow = (userId: string) => userId !== REFUSED_USER
  const erasure = await createErasure(volatile({ store, logger: log, allow, ...options }))
  t.teardown(() => erasure.close())
  const breakStore = (broken: boolean) => {
    store.failWrites = broken ? 'throw' : 'no'
  }
  return { erasure, store, log, breakStore }
}
