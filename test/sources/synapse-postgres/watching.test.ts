// What the source finds in Synapse's tables, on a real PostgreSQL.
import t, { type Test } from 'tap'

import { parseUserId } from '../../../lib/matrix/user-id.ts'
import { synapsePostgres } from '../../../lib/sources/synapse-postgres/synapse-postgres.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { type FollowingSink, followingSink } from '../../support/following-sink.ts'
import { openSynapseTables } from '../../support/postgres/synapse-tables.ts'
import { until } from '../../support/until.ts'

const BOB = '@bob:example.org'
const YEAR_MS = 365 * 24 * 60 * 60 * 1000
const { signal } = new AbortController()

function openSource(t: Test, connectionString: string, intervalMs = YEAR_MS) {
  const source = synapsePostgres({
    connectionString,
    intervalMs,
    serverName: 'example.org',
  })
  t.teardown(() => source.close())
  return source
}

const rounds = (sink: FollowingSink, count: number) =>
  until(
    `there were ${count} rounds; ${sink.logger.text()}`,
    () => sink.counts.successes >= count,
  )

t.test('finds who is erased already, and only users of its server', async t => {
  const { erase, connectionString } = await openSynapseTables(t, { trigger: false })
  const people = [
    BOB,
    "@a' OR '1'='1:example.org",
    '@b"; DROP TABLE erased_users;--:example.org',
  ]
  const others = ['@bob:example.org.uk', '@bob:sub.example.org', 'bob', '']
  for (const userId of [...people, ...others]) await erase(userId)
  const source = openSource(t, connectionString)
  const sink = followingSink(source)
  await source.start(sink)
  await rounds(sink, 1)
  t.same([...sink.erased].toSorted(), people.toSorted())
})

t.test('looks at one user: the row is the flag', async t => {
  const { erase, connectionString } = await openSynapseTables(t, { trigger: false })
  const source = openSource(t, connectionString)
  const look = (userId: string) => source.look(parseUserId(userId), signal)
  await erase("@o'brien:example.org")
  await erase('@bob:example.com')
  t.equal(await look("@o'brien:example.org"), 'erased')
  t.equal(await look(BOB), 'present')
  t.equal(await look("@' OR true --:example.org"), 'present')
  t.equal(await look('@bob:example.com'), 'unknown')
})

t.test('with the trigger, hears of an erasure and of a reactivation', async t => {
  const { erase, reactivate, connectionString } = await openSynapseTables(t, {
    trigger: true,
  })
  const source = openSource(t, connectionString)
  const sink = followingSink(source)
  await source.start(sink)
  await rounds(sink, 1)
  for (const times of [1, 2]) {
    await erase(BOB)
    await until('it is found, with a year between scans', () => sink.erased.has(BOB))
    await reactivate(BOB)
    await until('the reactivation is found', () => sink.lifted.length === times)
  }
  t.equal(sink.counts.lists, 1, 'by what changed alone')
})

t.test('without the trigger, finds both within an interval', async t => {
  const { erase, reactivate, connectionString } = await openSynapseTables(t, {
    trigger: false,
  })
  const clock = fakeClock()
  const source = openSource(t, connectionString, 60_000)
  const sink = followingSink(source, { clock })
  await source.start(sink)
  await rounds(sink, 1)
  await erase(BOB)
  await clock.advance(59_999)
  t.notOk(sink.erased.has(BOB))
  await clock.advance(1)
  await rounds(sink, 2)
  t.ok(sink.erased.has(BOB))
  await reactivate(BOB)
  await clock.advance(60_000)
  await rounds(sink, 3)
  t.same(sink.lifted, [BOB])
  t.same(sink.failures, [])
})

t.test('a row that Synapse did not announce is found by the next list', async t => {
  const { admin, connectionString } = await openSynapseTables(t, { trigger: false })
  const clock = fakeClock()
  const source = openSource(t, connectionString, 60_000)
  const sink = followingSink(source, { clock })
  await source.start(sink)
  await rounds(sink, 1)
  await admin.query('INSERT INTO erased_users VALUES ($1)', [BOB])
  await clock.advanceUntil(() => sink.erased.has(BOB))
  t.ok(clock.now() - Date.UTC(2026, 0, 1) <= 2 * 60_000)
})

t.test('a change that is committed late is not missed', async t => {
  const { erase, reactivate, connectionString, connect } = await openSynapseTables(t, {
    trigger: true,
  })
  await erase(BOB)
  const source = openSource(t, connectionString)
  const sink = followingSink(source)
  await source.start(sink)
  await rounds(sink, 1)
  const slow = await connect()
  await slow.query('BEGIN')
  await reactivate(BOB, slow)
  // Its number is higher, and it is there before.
  await erase('@carol:example.org')
  await until('Carol is found', () => sink.erased.has('@carol:example.org'))
  await slow.query('COMMIT')
  await until('the one with the lower number is found', () => sink.lifted.includes(BOB))
})

t.test('nobody is looked at twice for one change', async t => {
  const { erase, connectionString } = await openSynapseTables(t, { trigger: true })
  const source = openSource(t, connectionString)
  const sink = followingSink(source)
  await source.start(sink)
  await rounds(sink, 1)
  await erase(BOB)
  await until('Bob is found', () => sink.erased.has(BOB))
  await erase('@carol:example.org')
  await until('Carol is found', () => sink.erased.has('@carol:example.org'))
  t.same(sink.checked, [BOB, '@carol:example.org'])
})

t.test('what changed while the source was away is found when it is back', async t => {
  const { erase, reactivate, connectionString } = await openSynapseTables(t, {
    trigger: false,
  })
  await erase(BOB)
  const source = openSource(t, connectionString)
  const sink = followingSink(source)
  await source.start(sink)
  await rounds(sink, 1)
  await source.close()
  await reactivate(BOB)
  await erase('@carol:example.org')
  await source.start(sink)
  await rounds(sink, 2)
  t.same(sink.lifted, [BOB])
  t.same([...sink.erased], ['@carol:example.org'])
})

t.test('stops, and leaves no connection', async t => {
  const { admin, role, connectionString } = await openSynapseTables(t, { trigger: true })
  const count = async () => {
    const { rows } = await admin.query(
      'SELECT count(*)::int AS count FROM pg_stat_activity WHERE usename = $1',
      [role],
    )
    return rows[0].count as number
  }
  const source = openSource(t, connectionString)
  const sink = followingSink(source)
  await source.start(sink)
  await rounds(sink, 1)
  t.equal(await count(), 1)
  await source.close()
  await source.close()
  await until('the server has noticed', async () => (await count()) === 0)
  t.equal(await source.look(parseUserId(BOB), signal), 'present')
  await until('looking leaves none, either', async () => (await count()) === 0)
  await source.start(sink)
  await rounds(sink, 2)
  await source.close()
})
