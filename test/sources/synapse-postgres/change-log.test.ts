// Changes that nobody has seen and that are gone: what is said, and where it goes on.
import t, { type Test } from 'tap'

import { type Account, SourceError } from '../../../lib/watch/source.ts'
import { synapsePostgres } from '../../../lib/sources/synapse-postgres/synapse-postgres.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { followingSink } from '../../support/following-sink.ts'
import { openSynapseTables } from '../../support/postgres/synapse-tables.ts'
import { until } from '../../support/until.ts'

const BOB = '@bob:example.org'
const DAY_MS = 24 * 60 * 60 * 1000
const OLDER = `
  UPDATE cache_invalidation_stream_by_instance SET invalidation_ts = invalidation_ts - $1`

/** A source that has seen a change of Bob's, and was closed for a while. */
async function seeBob(t: Test) {
  const tables = await openSynapseTables(t, { trigger: false })
  const { admin, erase, connectionString } = tables
  const clock = fakeClock()
  const source = synapsePostgres({ connectionString, serverName: 'example.org' })
  t.teardown(() => source.close())
  const sink = followingSink(source, { clock })
  const round = async () => {
    const { successes } = sink.counts
    await source.start(sink)
    await until('there was a round', () => sink.counts.successes > successes)
    await source.close()
  }
  await erase('@alice:example.org')
  await erase(BOB)
  await admin.query(OLDER, [DAY_MS])
  await erase('@dora:example.org')
  await round()
  return { ...tables, clock, sink, round, warnings: () => warningsOf(sink.logger.lines) }
}

const warningsOf = (lines: readonly { level: string; message: string }[]) =>
  lines.filter(({ level }) => level === 'warn').map(({ message }) => message)

t.test('a cursor goes by numbers, and is written once', async t => {
  const { sink, round } = await seeBob(t)
  t.match(await sink.cursor(), { streamId: '2' })
  const before = await sink.cursor()
  await round()
  t.equal(await sink.cursor(), before)
})

t.test('says when changes were deleted before it saw them', async t => {
  const { admin, clock, erase, reactivate, sink, round, warnings } = await seeBob(t)
  await reactivate(BOB)
  await admin.query('DELETE FROM cache_invalidation_stream_by_instance')
  await erase('@carol:example.org')
  await clock.advance(8 * DAY_MS)
  await round()
  t.match(warnings(), [/may still count as erased, because the source was away/])
  t.notMatch(sink.logger.text(), '@')
  t.ok(sink.erased.has('@carol:example.org'))
  t.ok(sink.erased.has(BOB), 'nobody has told')
  await round()
  t.equal(warnings().length, 1)
})

t.test('a crash in the first run loses nothing that changes after it', async t => {
  const { admin, erase, reactivate, connectionString } = await openSynapseTables(t, {
    trigger: false,
  })
  await erase(BOB)
  const source = synapsePostgres({ connectionString, serverName: 'example.org' })
  t.teardown(() => source.close())
  const sink = followingSink(source)
  const crash = {
    ...sink,
    compare: async (accounts: AsyncIterable<Account>) => {
      await sink.compare(accounts)
      throw new SourceError('SOURCE_UNREACHABLE', 'as if it had crashed here')
    },
  }
  await source.start(crash)
  await until('Bob is reported', () => sink.failures.length > 0)
  await source.close()
  await reactivate(BOB)
  await admin.query(OLDER, [DAY_MS])
  await erase('@carol:example.org')
  await source.start(sink)
  await until('there was a round', () => sink.counts.successes > 0)
  t.same(sink.lifted, [BOB])
})

t.test('a number that was left out is no gap', async t => {
  const { admin, erase, round, warnings } = await seeBob(t)
  await admin.query('DELETE FROM cache_invalidation_stream_by_instance')
  await admin.query("SELECT nextval('cache_invalidation_stream_seq')")
  await erase('@carol:example.org')
  await round()
  t.same(warnings(), [])
})

t.test('goes on after the database was restored from a backup', async t => {
  const { admin, reactivate, sink, round, warnings } = await seeBob(t)
  await admin.query(`DELETE FROM cache_invalidation_stream_by_instance;
    SELECT setval('cache_invalidation_stream_seq', 1, false)`)
  await reactivate(BOB)
  await round()
  t.match(warnings(), [/restored from a backup/])
  t.same(sink.lifted, [BOB])
  await round()
  t.equal(warnings().length, 1)
})

t.test('a cursor of something else counts as none', async t => {
  const { sink, reactivate, round, warnings } = await seeBob(t)
  for (const cursor of [
    'x',
    null,
    [],
    { streamId: 5, at: 1 },
    { streamId: '-1', at: 1 },
  ]) {
    await sink.setCursor(cursor)
    await round()
  }
  await reactivate(BOB)
  await round()
  t.same(sink.lifted, [BOB])
  t.same(warnings(), [])
})
