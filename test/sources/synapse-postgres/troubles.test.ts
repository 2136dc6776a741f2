// What the source says when it does not see, and that it sees again.
import { inspect } from 'node:util'

import t, { type Test } from 'tap'

import { ErasureError } from '../../../lib/errors.ts'
import { parseUserId } from '../../../lib/matrix/user-id.ts'
import { synapsePostgres } from '../../../lib/sources/synapse-postgres/synapse-postgres.ts'
import { type FollowingSink, followingSink } from '../../support/following-sink.ts'
import { findPooler } from '../../support/postgres/pooler.ts'
import { openTestServer } from '../../support/postgres/server.ts'
import { openSynapseTables } from '../../support/postgres/synapse-tables.ts'
import { until } from '../../support/until.ts'

const BOB = parseUserId('@bob:example.org')
const YEAR_MS = 365 * 24 * 60 * 60 * 1000
const { signal } = new AbortController()
const skip = process.env['SKIP_PGBOUNCER'] === '1' && 'SKIP_PGBOUNCER is set'

async function start(t: Test, connectionString: string, intervalMs = YEAR_MS) {
  const source = synapsePostgres({
    connectionString,
    intervalMs,
    serverName: 'example.org',
  })
  t.teardown(() => source.close())
  const sink = followingSink(source)
  await source.start(sink)
  return { source, sink }
}

const succeeds = (sink: FollowingSink, count = 1) =>
  until(
    `there were ${count} rounds; ${sink.logger.text()}`,
    () => sink.counts.successes >= count,
  )
const fails = (sink: FollowingSink) =>
  until('the source says that it does not see', () => sink.failures.length > 0)

t.test('a lost connection is noticed at once, although nobody asks', async t => {
  const { erase, kick, connectionString } = await openSynapseTables(t, { trigger: true })
  const { sink } = await start(t, connectionString)
  await succeeds(sink)
  for (const userId of [BOB, '@carol:example.org']) {
    await kick()
    await erase(userId)
    await until('it is found, with a year between scans', () => sink.erased.has(userId))
  }
  t.same(sink.failures, [])
})

t.test('a role that lacks a right is SOURCE_FORBIDDEN until it has it', async t => {
  const tables = await openSynapseTables(t, { trigger: false })
  const { admin, role, grant, erase, connectionString } = tables
  await erase(BOB)
  const policies = ['ENABLE', 'DISABLE'].map(
    what => `ALTER TABLE erased_users ${what} ROW LEVEL SECURITY`,
  )
  const cases = [
    [`REVOKE SELECT ON erased_users FROM ${role}`, grant],
    [`REVOKE SELECT ON cache_invalidation_stream_by_instance FROM ${role}`, grant],
    // Who is hidden from the role would look as if they were not erased.
    policies,
    [`ALTER ROLE ${role} PASSWORD 'another' NOLOGIN`, `ALTER ROLE ${role} LOGIN`],
  ] as const
  for (const [take = '', give = ''] of cases) {
    await admin.query(take)
    const { source, sink } = await start(t, connectionString, 100)
    await fails(sink)
    t.match(sink.failures, ['SOURCE_FORBIDDEN'], take)
    t.equal(sink.counts.successes, 0)
    await admin.query(give)
    await succeeds(sink)
    t.ok(sink.erased.has(BOB))
    await source.close()
  }
  await admin.query(`REVOKE SELECT ON erased_users FROM ${role}`)
  const source = synapsePostgres({ connectionString, serverName: 'example.org' })
  await t.rejects(source.look(BOB, signal), { code: 'SOURCE_FORBIDDEN' })
})

t.test('a database that is not of Synapse is SOURCE_INVALID', async t => {
  const { admin, connectionString } = await openSynapseTables(t, { trigger: false })
  await admin.query('ALTER TABLE erased_users RENAME TO erased')
  const { sink } = await start(t, connectionString)
  await fails(sink)
  t.match(sink.failures, ['SOURCE_INVALID'])
  const gone = await start(t, `${connectionString}_gone`)
  await fails(gone.sink)
  t.match(gone.sink.failures, ['SOURCE_INVALID'])
})

t.test('a database that is away is SOURCE_UNREACHABLE until it is back', async t => {
  const server = await openTestServer(t)
  const { erase, connectionString } = await openSynapseTables(t, {
    trigger: true,
    server: server.connectionString,
  })
  const { source, sink } = await start(t, connectionString, 1000)
  await succeeds(sink)
  await erase(BOB)
  await until('Bob is found', () => sink.erased.has(BOB))
  await server.stop()
  await fails(sink)
  t.match(sink.failures, ['SOURCE_UNREACHABLE'])
  await t.rejects(source.look(BOB, signal), { code: 'SOURCE_UNREACHABLE' })
  const { successes } = sink.counts
  await server.restart('fast')
  await succeeds(sink, successes + 1)
  t.same([...sink.erased], [BOB], 'that it was away proves nothing')
  t.same(sink.lifted, [])
})

t.test('closes while the database does not answer', async t => {
  const { admin, connectionString } = await openSynapseTables(t, { trigger: false })
  await admin.query('BEGIN; LOCK TABLE erased_users')
  const { source, sink } = await start(t, connectionString)
  await until('the source waits for the lock', async () => {
    const { rows } = await admin.query('SELECT 1 FROM pg_locks WHERE NOT granted')
    return rows.length > 0
  })
  await source.close()
  await admin.query('ROLLBACK')
  t.same([sink.failures, sink.counts], [[], { lists: 0, successes: 0 }])
})

t.test('what the store could not take is found again', async t => {
  const { erase, connectionString } = await openSynapseTables(t, { trigger: true })
  const { sink } = await start(t, connectionString)
  await succeeds(sink)
  const [store, cause] = ['a store', new Error('no room')]
  sink.trouble = new ErasureError('STORE_UNWRITABLE', 'full', { store, cause })
  await erase(BOB)
  await until('Bob is found', () => sink.erased.has(BOB))
  t.same(sink.failures, [], 'it is not the database that failed')
  t.match(sink.logger.text(), 'STORE_UNWRITABLE')
})

t.test('no error and no log line names a user, a role or a password', async t => {
  const SECRET = 'tortoise'
  const { host } = new URL(
    (await openSynapseTables(t, { trigger: false })).connectionString,
  )
  for (const where of [host, '127.0.0.1:1', 'no.such.host.invalid']) {
    const { source, sink } = await start(
      t,
      `postgres://${SECRET}:${SECRET}@${where}/${SECRET}`,
    )
    await fails(sink)
    const error: unknown = await source.look(BOB, signal).catch(reason => reason)
    t.match(error, { name: 'SourceError' })
    t.notMatch(inspect(error) + sink.logger.text(), SECRET)
    t.notMatch(inspect(error) + sink.logger.text(), '@bob')
    await source.close()
  }
})

t.test(
  'behind a pooler that shares sessions, leaves nothing in them',
  { skip },
  async t => {
    const { admin, erase, connectionString } = await openSynapseTables(t, {
      trigger: true,
    })
    const openPooler = await findPooler(t, connectionString)
    const pooled = await openPooler({ mode: 'transaction', size: 1 })
    const { sink } = await start(t, pooled, 100)
    await succeeds(sink)
    await erase(BOB)
    await until('Bob is found', () => sink.erased.has(BOB))
    const url = new URL(connectionString)
    const { rows } = await admin.query(
      "SELECT query FROM pg_stat_activity WHERE usename = $1 AND query LIKE 'LISTEN%'",
      [url.username],
    )
    t.same(rows, [])
  },
)
