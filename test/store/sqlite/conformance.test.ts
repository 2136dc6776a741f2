import { join } from 'node:path'

import t from 'tap'

import { sqliteStore } from '../../../lib/store/sqlite/sqlite-store.ts'
import { storeConformance } from '../../../lib/testing/store-conformance.ts'

let stores = 0
const directory = t.testdir()

const cases = storeConformance(async () => {
  const path = join(directory, `${stores++}.db`)
  return { store: sqliteStore({ path }), reopen: async () => sqliteStore({ path }) }
})

for (const { title, run } of cases) t.test(title, run)
