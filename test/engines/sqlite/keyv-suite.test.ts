import { join } from 'node:path'

import t from 'tap'

import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { runKeyvSuite } from '../../support/keyv-suite.ts'

t.test("the adapter passes Keyv's suite for storage adapters", async t => {
  const adapter = sqliteStore({ path: join(t.testdir(), 'keyv.db') })
  t.teardown(() => adapter.disconnect?.())
  runKeyvSuite(t, adapter)
})
