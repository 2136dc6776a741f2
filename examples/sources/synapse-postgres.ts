// Reads in Synapse's PostgreSQL who has erased their account: npm install pg
import {
  createErasure,
  ensureRegistration,
  type Erasure,
} from 'matrix-appservice-erasure'
import { synapsePostgres } from 'matrix-appservice-erasure/sources'
import { sqliteStore } from 'matrix-appservice-erasure/sqlite'

/** Opens erasure; `start()` begins to read. See docs/homeservers.md for the role and the trigger. */
export async function openErasure(
  folder: string,
  connectionString: string,
  serverName: string,
): Promise<Erasure> {
  return createErasure({
    registration: await ensureRegistration(`${folder}/registration.yaml`),
    key: `${folder}/erasure.key`,
    store: sqliteStore({ path: `${folder}/erasure.db` }),
    sources: [synapsePostgres({ connectionString, serverName })],
    logger: console,
  })
}
