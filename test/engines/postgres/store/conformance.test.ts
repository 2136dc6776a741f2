import t from 'tap'

import { openDatabase } from '../../../../lib/engines/postgres/connection/database.ts'
import { postgresStore } from '../../../../lib/engines/postgres/store/postgres-store.ts'
import { storeConformance } from '../../../../lib/testing/engines/store-conformance.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'

const { connectionString } = await openTestDatabase(t)
let stores = 0

const cases = storeConformance(async () => {
  const schema = `store_${stores++}`
  const open = async () =>
    postgresStore({ database: openDatabase({ connectionString }), schema })
  return { store: await open(), openAnother: open, reopen: open }
})

for (const { title, run } of cases) void t.test(title, run)
