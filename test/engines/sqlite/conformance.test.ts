import { join } from 'node:path'

import t from 'tap'

import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { storeConformance } from '../../../lib/testing/engines/store-conformance.ts'

let stores = 0
const directory = t.testdir()

const cases = storeConformance(async () => {
  const path = join(directory, `${stores++}.db`)
  return { store: sqliteStore({ path }), reopen: async () => sqliteStore({ path }) }
})

for (const { title, run } of cases) t.test(title, run)
