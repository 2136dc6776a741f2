// One process, one file: the embedded store. It needs a local disk and no other package.
import {
  createErasure,
  type Erasure,
  ensureRegistration,
} from 'matrix-appservice-erasure'
import { sqliteStore } from 'matrix-appservice-erasure/sqlite'

/** Opens erasure in a folder, which then holds the registration, the key and the database. */
export async function openErasure(folder: string): Promise<Erasure> {
  return createErasure({
    registration: await ensureRegistration(`${folder}/registration.yaml`),
    // Keep a copy of the key, apart from the copies of the database.
    key: `${folder}/erasure.key`,
    store: sqliteStore({ path: `${folder}/erasure.db` }),
    logger: console,
  })
}
