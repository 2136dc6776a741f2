import t, { type Test } from 'tap'

import {
  type Database,
  openDatabase,
} from '../../../../lib/engines/postgres/connection/database.ts'
import { migrate } from '../../../../lib/engines/postgres/store/migrate.ts'
import { migrations } from '../../../../lib/engines/postgres/store/migrations.ts'
import { postgresStore } from '../../../../lib/engines/postgres/store/postgres-store.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'
import { ROOT, startCommand } from '../../../support/program.ts'

const SCHEMA = 'matrix_appservice_erasure'

async function open(t: Test): Promise<{ database: Database; connectionString: string }> {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString })
  t.teardown(() => database.close())
  return { database, connectionString }
}

/** What is in the database besides PostgreSQL's own: to see that nothing was changed. */
async function inventory(database: Database): Promise<unknown[]> {
  const { rows } = await database.query(
    `SELECT nspname, relname FROM pg_namespace LEFT JOIN pg_class
     ON relnamespace = pg_namespace.oid
     WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY 1, 2`,
  )
  return rows
}

t.test('many processes that come first at once make the tables once', async t => {
  const { database, connectionString } = await open(t)
  const others = Array.from({ length: 8 }, () => openDatabase({ connectionString }))
  t.teardown(() => Promise.all(others.map(other => other.close())))
  const program = `
    import { openDatabase } from '${ROOT}/lib/engines/postgres/connection/database.ts'
    import { postgresStore } from '${ROOT}/lib/engines/postgres/store/postgres-store.ts'
    const database = openDatabase({ connectionString: process.argv[1] })
    const store = postgresStore({ database })
    await store.set('from:' + process.pid, 'x')
    await store.disconnect()`
  const children = Array.from({ length: 3 }, () =>
    startCommand([
      process.execPath,
      '--input-type=module',
      '-e',
      program,
      connectionString,
    ]),
  )
  await Promise.all(others.map(other => migrate(other, SCHEMA)))
  for (const { ended } of children) t.match(await ended, { code: 0, stderr: '' })
  const { rows } = await database.query<{ version: number }>(
    `SELECT version FROM ${SCHEMA}.erasure_migration ORDER BY version`,
  )
  t.same(
    rows.map(({ version }) => version),
    migrations.map((_, index) => index + 1),
  )
  const before = await inventory(database)
  await migrate(database, SCHEMA)
  t.same(await inventory(database), before, 'once more changes nothing')
  const documents = await database.query(`SELECT key FROM ${SCHEMA}.document`)
  t.equal(documents.rowCount, 3)
})

t.test(
  'a schema of a newer version or another program is refused, untouched',
  async t => {
    const { database, connectionString } = await open(t)
    await migrate(database, SCHEMA)
    await database.query(`INSERT INTO ${SCHEMA}.erasure_migration VALUES (1000)`)
    await database.query(
      'CREATE SCHEMA other; CREATE TABLE other.document (key text, value text)',
    )
    const before = await inventory(database)
    const newer = postgresStore({ database: openDatabase({ connectionString }) })
    t.teardown(() => newer.disconnect?.())
    await t.rejects(newer.get('a'), { code: 'STORE_FOREIGN', message: /newer version/ })
    await t.rejects(migrate(database, 'other'), {
      code: 'STORE_FOREIGN',
      message: /schema other has tables of another program/,
    })
    t.same(await inventory(database), before)
    await database.query(`DELETE FROM ${SCHEMA}.erasure_migration WHERE version = 1000`)
    t.equal(await newer.get('a'), undefined, 'a failed opening is not remembered')
  },
)

t.test('a migration that fails leaves nothing, and an empty schema is taken', async t => {
  const { database } = await open(t)
  await database.query(`CREATE SCHEMA ${SCHEMA}`)
  const before = await inventory(database)
  // An administrator has made the schema, and not given the right to make tables in it.
  const role = `erasure_test_${process.pid}_${Date.now()}`
  await database.query(`CREATE ROLE ${role}; GRANT USAGE ON SCHEMA ${SCHEMA} TO ${role}`)
  t.teardown(async () => {
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    await database.close()
  })
  const limited: Database = {
    ...database,
    location: database.location,
    transaction: (task, timeoutMs) =>
      database.transaction(async query => {
        await query(`SET LOCAL ROLE ${role}`)
        return task(query)
      }, timeoutMs),
  }
  await t.rejects(migrate(limited, SCHEMA), { code: '42501' })
  t.same(await inventory(database), before)
  await database.query(`GRANT CREATE ON SCHEMA ${SCHEMA} TO ${role}`)
  await migrate(limited, SCHEMA)
  t.not((await inventory(database)).length, before.length)
})

t.test('ANALYZE keeps no copies of keys or values', async t => {
  const { database } = await open(t)
  const name = SCHEMA
  await migrate(database, name)
  await database.query(
    `INSERT INTO ${name}.document
     SELECT 'findme' || n % 1000 || '/' || n, 'findme', n FROM generate_series(1, 5000) AS n`,
  )
  await database.query(`ANALYZE ${name}.document`)
  const { rows } = await database.query<{ attname: string }>(
    `SELECT attname FROM pg_stats WHERE schemaname = '${name}' AND tablename = 'document'`,
  )
  t.same(rows, [{ attname: 'expires' }])
})

t.test('the name of a schema is checked before it gets into a statement', async t => {
  const { database } = await open(t)
  for (const schema of ['', 'Capital', '1st', 'a"b', 'a;b', 'a'.repeat(41), 'a-b', 7]) {
    t.throws(() => postgresStore({ database, schema: schema as string }), TypeError)
  }
  const longest = postgresStore({ database, schema: `_${'a1'.repeat(19)}z` })
  t.teardown(() => longest.disconnect?.())
  t.equal(await longest.set('a', '1'), true)
})
