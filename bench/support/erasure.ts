import { join } from 'node:path'

import { createErasure, type Erasure, type ErasureOptions } from '../../lib/index.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'

/** As long as the tokens that registrations are made with. */
export const HS_TOKEN: string = '0123456789abcdef'.repeat(4)

/** What little of a registration is read. */
export const REGISTRATION = { hs_token: HS_TOKEN, sender_localpart: 'bridge' }

/** The SDK on a store of its own: a file, or whatever `options` say. */
export function openErasure(
  folder: string,
  options: Partial<ErasureOptions> = {},
): Promise<Erasure> {
  return createErasure({
    registration: REGISTRATION,
    key: join(folder, 'erasure.key'),
    store: options.store ?? sqliteStore({ path: databasePath(folder) }),
    ...options,
  })
}

/** Where the database lies. */
export function databasePath(folder: string): string {
  return join(folder, 'erasure.db')
}
