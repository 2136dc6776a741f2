import { join } from 'node:path'

import type { Test } from 'tap'

import { openAccounts } from '../../examples/guestbook-bridge/accounts.ts'
import { openAvatars } from '../../examples/guestbook-bridge/avatars.ts'
import { openDatabase } from '../../examples/guestbook-bridge/database.ts'

export const PICTURE = { bytes: Buffer.from('a picture'), extension: 'png' }

/** Everything the guestbook bridge keeps people in, on real files of the test's folder. */
export async function openStores(t: Test, dataDir = t.testdir()) {
  const database = openDatabase(join(dataDir, 'guestbook.db'))
  t.teardown(() => database.close())
  const accounts = await openAccounts(join(dataDir, 'user-store.db'))
  return { dataDir, database, accounts, avatars: openAvatars(join(dataDir, 'avatars')) }
}
