import { join } from 'node:path'

import type { ErasureOptions } from '../../../lib/core/options.ts'
import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'

/** Where the key lies: apart from the store, as is recommended. */
export const keyPath = (root: string): string => join(root, 'keys/erasure.key')

/** Options of an erasure with all its files below `root`, in folders that it makes itself. */
export function filesIn(
  root: string,
): Pick<ErasureOptions, 'registration' | 'key' | 'store'> {
  return {
    registration: REGISTRATION,
    key: keyPath(root),
    store: sqliteStore({ path: join(root, 'data/erasure.db') }),
  }
}
