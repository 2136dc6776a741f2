// One process, one file: the embedded store. It needs a local disk and no other package.
import {
  createErasure,
  type Erasure,
  ensureRegistration,
} from 'matrix-appservice-erasure'
import { sqliteStore } from 'matrix-appservice-erasure/sqlite'

/** Opens erasure in a folder, which then contains the registration, the key and the database. */
export async function openErasure(folder: string): Promise<Erasure> {
  return createErasure({
    registration: await ensureRegistration(`${folder}/registration.yaml`),
    // Back up the key, apart from the backups of the database.
    key: `${folder}/erasure.key`,
    store: sqliteStore({ path: `${folder}/erasure.db` }),
    logger: console,
  })
}
