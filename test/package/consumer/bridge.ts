// A bridge as small as can be, which compiles to an ES module and to CommonJS alike.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  createErasure,
  ensureRegistration,
  isErasureError,
} from 'matrix-appservice-erasure'
import { sqliteStore } from 'matrix-appservice-erasure/sqlite'

/** Has a user erased and answers with the outcome. */
export async function eraseBob(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'erasure-consumer-data-'))
  const messages = new Map([['@bob:example.org', ['hello']]])
  const erasure = await createErasure({
    registration: await ensureRegistration(join(folder, 'registration.yaml')),
    key: join(folder, 'erasure.key'),
    store: sqliteStore({ path: join(folder, 'erasure.db') }),
    settleMs: 0,
  })
  erasure.onUserErase('messages', {
    purge: async ({ userId }) => void messages.delete(userId),
    verify: async ({ userId }) => messages.get(userId)?.length ?? 0,
  })
  await erasure.start()
  const refused = await erasure.accept('bob').catch((error: unknown) => error)
  await erasure.accept('@bob:example.org')
  while ((await erasure.status()).counts.erased === 0) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  await erasure.close()
  rmSync(folder, { recursive: true })
  return `erased ${isErasureError(refused)} ${messages.size}`
}
