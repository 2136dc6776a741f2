import { join } from 'node:path'

import type { CheckCopy } from '../engines/sqlite/check-copy.ts'
import { ErasureError } from '../errors.ts'
import { systemClock } from '../host/clock.ts'
import { type ErasureStore, openErasureStore } from '../store/erasure-store.ts'
import { openKey } from '../user-seal/key.ts'
import { createUserSeal } from '../user-seal/user-seal.ts'

/**
 * Checks that a store was created with the key in a file, so that a wrong key is noticed now and not on
 * the day the store is needed.
 *
 * @throws ErasureError `KEY_MISMATCH`, `KEY_MISSING`, `KEY_INVALID`, `KEY_EXPOSED`
 */
export async function checkKey(
  store: ErasureStore,
  keyPath: string,
  storePath: string,
): Promise<void> {
  const seal = createUserSeal(await openKey(keyPath, false))
  if ((await store.keyCheck()) === seal.keyCheck) return
  throw new ErasureError(
    'KEY_MISMATCH',
    `${keyPath}: wrong key: ${storePath} was created with a different one`,
    { file: keyPath, store: storePath },
  )
}

/** Checks that a copy of the database was made with the key in a folder. */
export function fitsKeyIn(folder: string, file: string): CheckCopy {
  return async adapter => {
    const store = openErasureStore(adapter, false, systemClock)
    await checkKey(store, join(folder, 'erasure.key'), file)
  }
}
