// Somebody with a shell keeps documents of the store locked.
import pg from 'pg'
import t, { type Test } from 'tap'

import { openDatabase } from '../../../../lib/engines/postgres/connection/database.ts'
import { postgresStore } from '../../../../lib/engines/postgres/store/postgres-store.ts'
import { databaseClock } from '../../../../lib/engines/postgres/connection/database-clock.ts'
import type { StoreAdapter } from '../../../../lib/store/adapter.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'

type Store = StoreAdapter &
  Required<Pick<StoreAdapter, 'writeIf' | 'setMany' | 'disconnect' | 'clear'>>

const TABLE = 'matrix_appservice_erasure.document'

async function open(t: Test) {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString })
  const host = fakeClock(Date.now())
  const clock = databaseClock(database, host)
  const store = postgresStore({ database, clock }) as Store
  const stranger = new pg.Client({ connectionString })
  await stranger.connect()
  t.teardown(async () => {
    await stranger.end()
    await store.disconnect()
  })
  await store.set('locked', 'before')
  await store.set('locked too', 'before')
  await stranger.query('BEGIN')
  return { store, stranger, database, host }
}

const lock = (stranger: pg.Client, key: string) =>
  stranger.query(`SELECT FROM ${TABLE} WHERE key = $1 FOR UPDATE`, [key])

const others = (store: Store, round: number) =>
  Array.from({ length: 50 }, (_, index) => store.set(`other ${index}`, String(round)))

/** Notes when a promise is settled. */
function watch<Value>(promise: Promise<Value>): {
  promise: Promise<Value>
  isOver: boolean
} {
  const watched = { promise, isOver: false }
  const end = () => void (watched.isOver = true)
  promise.then(end, end)
  return watched
}

t.test('only writes of a locked document wait, and in their order', async t => {
  const { store, stranger } = await open(t)
  await lock(stranger, 'locked')
  const waiting = watch(store.set('locked', '1'))
  for (let round = 0; round < 5; round += 1) await Promise.all(others(store, round))
  const conditional = store.writeIf({
    expected: { key: 'other 1', value: '4' },
    set: [{ key: 'other 1', value: '5' }],
    delete: ['other 2'],
  })
  t.equal(await conditional, true)
  const last = watch(store.set('locked', '2'))
  await Promise.all(others(store, 6))
  t.notOk(waiting.isOver)
  t.notOk(last.isOver)
  await stranger.query('ROLLBACK')
  await Promise.all([waiting.promise, last.promise])
  t.equal(await store.get('locked'), '2')
})

t.test('what shares a batch with it goes on in one more statement', async t => {
  const { store, stranger, database } = await open(t)
  await lock(stranger, 'locked')
  const inserts: unknown[][] = []
  const query = database.query.bind(database)
  database.query = (text, values, timeoutMs) => {
    const isInsert = typeof text !== 'string' && text.text.includes('INSERT')
    if (isInsert) inserts.push((values?.[0] ?? []) as unknown[])
    return query(text, values, timeoutMs)
  }
  const waiting = watch(store.set('locked', 'after'))
  await Promise.all(others(store, 1))
  t.notOk(waiting.isOver)
  t.same(
    inserts.map(keys => keys.length).filter(length => length > 1),
    [51, 50],
  )
  await stranger.query('ROLLBACK')
  t.equal(await waiting.promise, true)
})

t.test('one that is past its time keeps no other from being deleted', async t => {
  const { store, stranger, host } = await open(t)
  await host.advance(0)
  while (host.armed === 0) await stranger.query('SELECT')
  await store.set('locked', 'past its time', 1)
  await store.set('other', 'past its time', 1)
  await lock(stranger, 'locked')
  await host.advance(60 * 60 * 1000)
  const isThere = async () =>
    (await stranger.query(`SELECT FROM ${TABLE} WHERE key = 'other'`)).rowCount === 1
  while (await isThere()) await host.advance(0)
  await stranger.query('ROLLBACK')
  t.equal(await store.get('other'), undefined)
})

t.test('a document that stays locked refuses its own writes only', async t => {
  const { store, stranger } = await open(t)
  await lock(stranger, 'locked')
  await lock(stranger, 'locked too')
  const refused = ['locked', 'locked too', 'locked'].map(key =>
    watch(t.rejects(store.set(key, 'after'), { code: '55P03' })),
  )
  let rounds = 0
  while (refused.some(({ isOver }) => !isOver)) await Promise.all(others(store, rounds++))
  t.ok(rounds > 10, 'the others went on meanwhile')
  await stranger.query('ROLLBACK')
  t.equal(await store.get('locked'), 'before')
  t.equal(await store.set('locked', 'after'), true)
})

t.test('so does one that somebody is just making', async t => {
  const { store, stranger } = await open(t)
  await stranger.query(`INSERT INTO ${TABLE} VALUES ('new', 'theirs')`)
  const made = watch(store.set('new', 'ours'))
  await Promise.all(others(store, 1))
  t.notOk(made.isOver)
  await stranger.query('COMMIT')
  await made.promise
  t.equal(await store.get('new'), 'ours')
})

t.test('a locked table is waited for, as by a VACUUM FULL', async t => {
  const { store, stranger } = await open(t)
  await stranger.query(`LOCK TABLE ${TABLE} IN ACCESS EXCLUSIVE MODE`)
  const written = others(store, 1).map(watch)
  await stranger.query('SELECT pg_sleep(1)')
  t.notOk(written.some(({ isOver }) => isOver))
  await stranger.query('COMMIT')
  for (const { promise } of written) t.equal(await promise, true)
})

t.test('closing waits for what waits', async t => {
  const { store, stranger } = await open(t)
  await lock(stranger, 'locked')
  const waiting = store.set('locked', 'after')
  await Promise.all(others(store, 1))
  const closing = watch(store.disconnect())
  await stranger.query('SELECT pg_sleep(0.5)')
  t.notOk(closing.isOver)
  await stranger.query('ROLLBACK')
  t.equal(await waiting, true)
  await closing.promise
})
