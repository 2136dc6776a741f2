import t, { type Test } from 'tap'

import { ensureRegistration, type Erasure } from 'matrix-appservice-erasure'

import { openErasure as openPostgres } from '../../examples/stores/postgres.ts'
import { openErasure as openSqlite } from '../../examples/stores/sqlite.ts'
import { openTestDatabase } from '../support/postgres/open-database.ts'
import { until } from '../support/until.ts'

/** Without `verify` there is nothing to wait for. */
async function eraseBob(t: Test, erasure: Erasure): Promise<void> {
  const purged: string[] = []
  erasure.onUserErase('messages', {
    purge: async ({ userId }) => void purged.push(userId),
  })
  await erasure.start()
  await erasure.accept('@bob:example.org')
  await until('Bob is erased', async () => (await erasure.status()).counts.erased === 1)
  t.same(purged, ['@bob:example.org'])
  t.ok(await erasure.isErased('@bob:example.org'))
  await erasure.close()
}

t.test('examples/stores/sqlite.ts opens a store that carries a request out', async t => {
  await eraseBob(t, await openSqlite(t.testdir()))
})

t.test('examples/stores/postgres.ts opens an engine that does, too', async t => {
  const folder = t.testdir()
  await ensureRegistration(`${folder}/registration.yaml`)
  const { connectionString } = await openTestDatabase(t)
  await eraseBob(t, await openPostgres(folder, connectionString))
})
