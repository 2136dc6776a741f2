// What a role may do: as little as is documented is enough, and less is found out at the opening.
import { randomBytes } from 'node:crypto'

import pg from 'pg'
import t, { type Test } from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import { postgresEngine } from '../../../lib/engines/postgres/postgres-engine.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { openPostgresErasure } from '../../support/postgres/open-erasure.ts'
import { openTestDatabase } from '../../support/postgres/open-database.ts'

const OURS = 'matrix_appservice_erasure'
const QUEUE = `${OURS}_queue`
/** Roles may log in on the test's server by their name, or by a password. */
const PASSWORD = randomBytes(8).toString('hex')

async function open(t: Test) {
  const role = `erasure_test_${randomBytes(8).toString('hex')}`
  const leftovers: { remove?: () => Promise<unknown> } = {}
  // After the database is gone, and with it what the role owns.
  t.teardown(() => leftovers.remove?.())
  const { connectionString } = await openTestDatabase(t)
  const admin = new pg.Client({ connectionString })
  await admin.connect()
  t.teardown(() => admin.end())
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'`)
  leftovers.remove = async () => {
    const url = new URL(connectionString)
    url.pathname = new URL(
      process.env['DATABASE_URL'] ?? 'postgres://x/postgres',
    ).pathname
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    await client.query(`DROP ROLE ${role}`)
    await client.end()
  }
  const url = new URL(connectionString)
  url.username = role
  url.password = PASSWORD
  return { admin, role, asAdmin: connectionString, asRole: url.href }
}

async function openAndClose(connectionString: string): Promise<void> {
  const erasure = await createErasure({
    registration: REGISTRATION,
    key: Buffer.alloc(32, 1),
    ...postgresEngine({ connectionString }),
  })
  await erasure.close()
}

const grant = (role: string) =>
  [OURS, QUEUE]
    .map(
      schema => `GRANT USAGE ON SCHEMA ${schema} TO ${role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${role};`,
    )
    .join('\n')

t.test('a role that owns the two schemas, and may make none, is enough', async t => {
  const { admin, role, asRole } = await open(t)
  for (const schema of [OURS, QUEUE])
    await admin.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${role}`)
  const { erase, purged } = await openPostgresErasure(t, { connectionString: asRole })
  await erase('@bob:example.org')
  t.same([...purged], ['@bob:example.org'])
})

t.test('so is one that may read and write what another has made', async t => {
  const { admin, role, asAdmin, asRole } = await open(t)
  await openAndClose(asAdmin)
  await admin.query(grant(role))
  const { erase, purged } = await openPostgresErasure(t, { connectionString: asRole })
  await erase('@bob:example.org')
  t.same([...purged], ['@bob:example.org'])
})

t.test('what a role lacks is found out before anything is accepted', async t => {
  const { admin, role, asAdmin, asRole } = await open(t)
  const refused = async (what: string, message: RegExp) =>
    t.rejects(openAndClose(asRole), { code: 'STORE_FORBIDDEN', message }, what)
  await refused('no schema', /in the schema matrix_appservice_erasure our role lacks/)
  await admin.query(`CREATE SCHEMA ${OURS} AUTHORIZATION ${role}`)
  await refused('one schema', /matrix_appservice_erasure_queue our role lacks/)
  await admin.query(`DROP SCHEMA ${OURS} CASCADE`)
  await openAndClose(asAdmin)
  await refused('no right', /lacks/)
  await admin.query(`GRANT USAGE ON SCHEMA ${OURS}, ${QUEUE} TO ${role}`)
  await refused('only to see', /lacks/)
  await admin.query(grant(role))
  await openAndClose(asRole)
  for (const table of [`${OURS}.document`, `${QUEUE}.job`, `${QUEUE}.queue`]) {
    for (const right of ['SELECT', 'INSERT', 'UPDATE', 'DELETE']) {
      await admin.query(`REVOKE ${right} ON ${table} FROM ${role}`)
      await refused(`no ${right} on ${table}`, /lacks/)
      await admin.query(grant(role))
    }
  }
  await admin.query(`REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ${QUEUE} FROM PUBLIC`)
  await refused('no functions', /lacks/)
})

t.test('tables that a crash would empty are refused, and say which', async t => {
  const { admin, asAdmin } = await open(t)
  await openAndClose(asAdmin)
  for (const table of [`${OURS}.document`, `${QUEUE}.job_common`]) {
    // The constraints of a table that is logged must not lead to one that is not.
    await admin.query(`ALTER TABLE ${table} SET UNLOGGED`)
    const message = new RegExp(`the table ${table} is UNLOGGED`)
    await t.rejects(openAndClose(asAdmin), { code: 'STORE_VOLATILE', message })
    await admin.query(`ALTER TABLE ${table} SET LOGGED`)
  }
  await openAndClose(asAdmin)
})
