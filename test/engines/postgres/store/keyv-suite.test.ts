import t from 'tap'

import { openDatabase } from '../../../../lib/engines/postgres/connection/database.ts'
import { postgresStore } from '../../../../lib/engines/postgres/store/postgres-store.ts'
import { runKeyvSuite } from '../../../support/keyv-suite.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'

t.test("the adapter passes Keyv's suite for storage adapters", async t => {
  const { connectionString } = await openTestDatabase(t)
  const adapter = postgresStore({ database: openDatabase({ connectionString }) })
  t.teardown(() => adapter.disconnect?.())
  runKeyvSuite(t, adapter)
})
