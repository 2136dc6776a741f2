// Finds out who has erased their account, on an unmodified Synapse.
import {
  createErasure,
  ensureRegistration,
  type Erasure,
} from 'matrix-appservice-erasure'
import { synapse } from 'matrix-appservice-erasure/sources'
import { sqliteStore } from 'matrix-appservice-erasure/sqlite'

/** Where Synapse is, and by which token it can be asked; see docs/homeservers.md. */
export interface Homeserver {
  readonly url: string
  /** Of a server admin, in a file that only the bridge can read. */
  readonly accessToken: { readonly file: string }
  readonly serverName: string
}

/** Opens erasure; `start()` begins to ask. */
export async function openErasure(
  folder: string,
  { url, accessToken, serverName }: Homeserver,
): Promise<Erasure> {
  return createErasure({
    registration: await ensureRegistration(`${folder}/registration.yaml`),
    key: `${folder}/erasure.key`,
    store: sqliteStore({ path: `${folder}/erasure.db` }),
    sources: [synapse({ url, accessToken, serverName })],
    logger: console,
  })
}
