import { setTimeout as sleep } from 'node:timers/promises'

import t, { type Test } from 'tap'

import {
  type Database,
  openDatabase,
} from '../../../../lib/engines/postgres/connection/database.ts'
import { databaseClock } from '../../../../lib/engines/postgres/connection/database-clock.ts'
import { postgresStore } from '../../../../lib/engines/postgres/store/postgres-store.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'

const TABLE = 'matrix_appservice_erasure.document'

async function open(t: Test) {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString, maxConnections: 3 })
  const admin = openDatabase({ connectionString })
  const store = postgresStore({ database })
  t.teardown(async () => {
    await store.disconnect?.()
    await admin.close()
  })
  return { connectionString, database, admin, store }
}

/** Waits until a session of the store is busy with a statement that matches. */
async function untilBusy(admin: Database, pattern: string): Promise<number> {
  for (;;) {
    const { rows } = await admin.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
       AND state = 'active' AND pid <> pg_backend_pid() AND query ~ $1`,
      [pattern],
    )
    if (rows[0] !== undefined) return rows[0].pid
    await sleep(10)
  }
}

t.test('nothing is opened before the first use, and uses at once share it', async t => {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString })
  let transactions = 0
  const transaction = database.transaction.bind(database)
  database.transaction = (task, timeoutMs) => {
    transactions += 1
    return transaction(task, timeoutMs)
  }
  const store = postgresStore({ database })
  t.equal(transactions, 0)
  t.equal(store.durable, true)
  t.equal(store.location, database.location)
  await Promise.all([store.get('a'), store.set('b', '1'), store.has?.('c')])
  await store.clear()
  t.equal(transactions, 1)
  await store.disconnect?.()
  await store.disconnect?.()
  await t.rejects(store.set('a', '1'), { code: 'CLOSED' })
  await t.rejects(store.get('a'), { code: 'CLOSED' })
})

t.test('an opening that fails is tried again by the next use', async t => {
  const { store, database } = await open(t)
  const transaction = database.transaction.bind(database)
  database.transaction = () => Promise.reject(new Error('the network is down'))
  await t.rejects(store.set('a', '1'), { cause: { message: 'the network is down' } })
  database.transaction = transaction
  t.equal(await store.set('a', '1'), true)
})

t.test('a document lives as long by the database, however wrong the host is', async t => {
  const { admin, database } = await open(t)
  const clock = databaseClock(database, fakeClock(Date.UTC(2001, 0, 1)))
  const store = postgresStore({ database, clock })
  t.teardown(() => store.disconnect?.())
  await store.setMany?.([
    { key: 'short', value: 'x', ttl: 0.5 },
    { key: 'long', value: 'x', ttl: 60_000 },
    { key: 'ever', value: 'x' },
  ] as never)
  await sleep(20)
  t.notOk(await store.has?.('short'))
  t.equal(await store.get('short'), 'x', 'still there')
  t.ok(await store.has?.('long'))
  t.ok(await store.has?.('ever'))
  const { rows } = await admin.query<{ left: number }>(
    `SELECT (expires - extract(epoch FROM now()) * 1000)::float8 AS left
     FROM ${TABLE} WHERE key = 'long'`,
  )
  t.ok((rows[0]?.left ?? 0) > 30_000 && (rows[0]?.left ?? 0) <= 60_000)
})

t.test('no time to live is so odd that it ends another, or never', async t => {
  const { store, admin } = await open(t)
  const lives: ReadonlyArray<readonly [number | undefined, boolean]> = [
    [0, false],
    [-1, false],
    [-Infinity, false],
    [-1e300, false],
    [60_000.5, true],
    [1e300, true],
    [Infinity, true],
    [undefined, true],
  ]
  const writes = lives.map(([ttl]) => store.set(`${ttl}`, 'x', ttl))
  const refused = store.set('none', 'x', NaN)
  await t.rejects(refused, TypeError)
  t.ok((await Promise.all(writes)).every(answer => answer === true))
  for (const [ttl, isThere] of lives)
    t.equal(await store.has?.(`${ttl}`), isThere, `${ttl}`)
  const { rows } = await admin.query<{ key: string }>(
    `SELECT key FROM ${TABLE} WHERE expires IS NULL ORDER BY key`,
  )
  t.same(
    rows.map(({ key }) => key),
    ['1e+300', 'Infinity', 'undefined'],
  )
})

t.test('clearing takes with it what was written before', async t => {
  const { store } = await open(t)
  await store.get('opened')
  const writing = store.set('a', '1')
  await store.clear()
  t.equal(await writing, true)
  t.equal(await store.get('a'), undefined)
})

t.test('a thousand reads at once are one statement', async t => {
  const { store, database } = await open(t)
  const users = Array.from({ length: 1000 }, (_, index) => `tombstone:${index}`)
  await store.setMany?.(users.slice(0, 500).map(key => ({ key, value: key })) as never)
  let queries = 0
  const query = database.query.bind(database)
  database.query = (text, values, timeoutMs) => {
    queries += 1
    return query(text, values, timeoutMs)
  }
  const found = await Promise.all(users.map(key => store.get(key)))
  t.same(
    found,
    users.map((key, index) => (index < 500 ? key : undefined)),
  )
  t.equal(queries, 1)
})

t.test('what is past its time to live is deleted every hour', async t => {
  const { admin, database } = await open(t)
  const clock = fakeClock(Date.now())
  const store = postgresStore({ database, clock: databaseClock(database, clock) })
  t.teardown(() => store.disconnect?.())
  await store.get('opened')
  await clock.advance(0)
  while (clock.armed === 0) await sleep(5)
  const entries = Array.from({ length: 2500 }, (_, row) => ({
    key: `row-${row}`,
    value: 'x',
    ttl: 1,
  }))
  await store.setMany?.([...entries, { key: 'kept', value: 'y', ttl: 60_000 }])
  await store.set('for ever', 'z')
  await sleep(20)
  const count = async () => (await admin.query(`SELECT key FROM ${TABLE}`)).rowCount
  await clock.advance(59 * 60 * 1000)
  t.equal(await count(), 2502, 'not before')
  await clock.advance(60 * 1000)
  while ((await count()) !== 2) {
    await clock.advance(0)
    await sleep(5)
  }
  t.ok(await store.has?.('kept'))
  t.ok(await store.has?.('for ever'))
})

t.test('a store that is read deletes nothing, and knows the time at once', async t => {
  const { admin, database } = await open(t)
  // Its clock stands still, so that it does not delete either, as it does when it has opened.
  const frozen = databaseClock(database, fakeClock(Date.now()))
  const writer = postgresStore({ database, clock: frozen })
  t.teardown(() => writer.disconnect?.())
  await writer.set('old', 'x', 60_000)
  await admin.query(`UPDATE ${TABLE} SET expires = 1`)
  const host = fakeClock(Date.UTC(2001, 0, 1))
  const clock = databaseClock(database, host)
  const store = postgresStore({ database, clock, readOnly: true })
  t.equal(await store.get('old'), 'x')
  t.ok(Math.abs(clock.now() - Date.now()) < 60_000)
  t.equal(host.armed, 0)
  await t.rejects(store.set('a', '1'), /opened for reading/)
})

t.test('what only one of two clocks takes for past its time stays', async t => {
  const { admin, database } = await open(t)
  const day = 24 * 60 * 60 * 1000
  const host = fakeClock(Date.now() - day)
  const store = postgresStore({ database, clock: databaseClock(database, host) })
  t.teardown(() => store.disconnect?.())
  await store.set('past for both', 'x', day)
  await store.set('past for the database', 'x', day)
  while (host.armed === 0) await sleep(5)
  await host.advance(0)
  while (host.armed === 0) await sleep(5)
  await admin.query(
    `UPDATE ${TABLE} SET expires = expires - $1 *
       CASE key WHEN 'past for both' THEN 3 ELSE 1 END - 1000`,
    [day],
  )
  await host.advance(60 * 60 * 1000)
  const keys = async () =>
    (await admin.query<{ key: string }>(`SELECT key FROM ${TABLE}`)).rows
  while ((await keys()).length > 1) await sleep(5)
  while (host.armed === 0) await sleep(5)
  t.same(await keys(), [{ key: 'past for the database' }])
})

t.test('an iteration that fails says so, and does not end early', async t => {
  const { store, admin } = await open(t)
  await store.setMany?.(
    Array.from({ length: 700 }, (_, row) => ({ key: `ns:${row}`, value: 'x' })),
  )
  let seen = 0
  const iterate = async () => {
    for await (const _ of store.iterator?.('ns') ?? []) {
      seen += 1
      if (seen === 500) await admin.query(`ALTER TABLE ${TABLE} RENAME TO elsewhere`)
    }
  }
  await t.rejects(iterate(), { code: '42P01' })
  t.equal(seen, 500)
})

t.test('a connection that is cut rejects what was under way, and no more', async t => {
  const { store, admin } = await open(t)
  await store.set('a', '1')
  await admin.transaction(async query => {
    await query(`SELECT FROM ${TABLE} WHERE key = 'a' FOR UPDATE`)
    const stuck = Promise.allSettled([store.set('a', '2'), store.set('b', '2')])
    const pid = await untilBusy(admin, 'INSERT INTO')
    const waiting = store.set('c', '3')
    await admin.query('SELECT pg_terminate_backend($1)', [pid])
    for (const { status } of await stuck) t.equal(status, 'rejected')
    t.equal(await waiting, true, 'the next batch takes another connection')
  })
  t.equal(await store.get('b'), undefined, 'all of a batch or nothing')
  t.equal(await store.set('a', '4'), true)
})

t.test('a database that restarts fails writes for a while, and is then used', async t => {
  const { store, admin } = await open(t)
  await store.set('a', '1')
  await admin.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  )
  const ended = await Promise.allSettled([store.set('b', '1'), store.get('a')])
  t.ok(ended.length)
  t.equal(await store.set('c', '1'), true)
  t.equal(await store.get('a'), '1')
})

t.test('disconnecting carries out what was asked before it', async t => {
  const { store, admin } = await open(t)
  await store.set('a', '1')
  // So that nothing but the writes is under way.
  await sleep(50)
  const late = Promise.all([
    store.set('b', '2'),
    store.delete('b'),
    store.set('b', '3'),
    store.delete('b'),
    store.set('b', '4'),
    store.get('a'),
  ])
  await store.disconnect?.()
  t.same(await late, [true, true, true, true, true, '1'])
  const { rows } = await admin.query(`SELECT key, value FROM ${TABLE} WHERE key = 'b'`)
  t.same(rows, [{ key: 'b', value: '4' }])
})

t.test('a condition that a document must not exist needs the document', async t => {
  const { store } = await open(t)
  const write = { expected: { key: 'a', value: undefined }, set: [], delete: [] }
  await t.rejects(async () => store.writeIf?.(write), TypeError)
})
