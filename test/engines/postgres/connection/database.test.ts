import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'

import t, { type Test } from 'tap'

import {
  type Database,
  openDatabase,
} from '../../../../lib/engines/postgres/connection/database.ts'
import { memoryLog } from '../../../support/memory-log.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'

const SECRET = 'sesame-open'

async function open(t: Test, maxConnections = 3) {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString, maxConnections })
  t.teardown(() => database.close())
  return { connectionString, database }
}

/** The process at the server that a query of this database runs in. */
async function backend(database: Database): Promise<number> {
  const { rows } = await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return rows[0]?.pid ?? 0
}

/** The error a promise rejects with, and everything that could be printed of it. */
async function refusal(
  promise: Promise<unknown>,
): Promise<{ code?: string; all: string }> {
  const error = await promise.then(
    () => new Error('It did not reject'),
    (reason: Error & { code?: string }) => reason,
  )
  const all = inspect(error, { depth: 20, showHidden: true })
  return { ...('code' in error && { code: error.code }), all }
}

t.test('a query answers rows and how many, a text of several all of them', async t => {
  const { database } = await open(t)
  t.same(await database.query('SELECT $1::int + 1 AS sum', [41]), {
    rows: [{ sum: 42 }],
    rowCount: 1,
  })
  const named = { name: 'sum', text: 'SELECT $1::int + 1 AS sum' }
  t.same((await database.query(named, [1])).rows, [{ sum: 2 }])
  t.same((await database.query(named, [2])).rows, [{ sum: 3 }])
  const several =
    'CREATE TABLE public.item (n int); INSERT INTO public.item SELECT generate_series(1, 3); TABLE public.item'
  const { rows, rowCount } = await database.query(several)
  t.same(rows, [{ n: 1 }, { n: 2 }, { n: 3 }])
  t.equal(rowCount, 6)
  t.equal((await database.query('DELETE FROM public.item WHERE n > 1')).rowCount, 2)
})

t.test(
  'a lost race keeps the connection, what may leave a transaction open does not',
  async t => {
    const { database } = await open(t, 1)
    await database.query('CREATE TABLE public.seat (number int PRIMARY KEY)')
    const take = () => database.query('INSERT INTO public.seat VALUES ($1)', [1])
    await take()
    const before = await backend(database)
    t.match(await refusal(take()), { code: '23505' })
    t.equal(await backend(database), before)
    await refusal(database.query('BEGIN; INSERT INTO public.seat VALUES (1); COMMIT'))
    t.not(await backend(database), before)
    await database.query('INSERT INTO public.seat VALUES ($1)', [2])
    t.equal((await database.query('SELECT * FROM public.seat')).rowCount, 2)
  },
)

t.test('a transaction is all or nothing', async t => {
  const { database } = await open(t, 1)
  await database.query('CREATE TABLE public.item (n int)')
  const answer = await database.transaction(async query => {
    await query('INSERT INTO public.item VALUES (1)')
    return 'done'
  })
  t.equal(answer, 'done')
  const failing = database.transaction(async query => {
    await query('INSERT INTO public.item VALUES (2)')
    throw new Error('changed my mind')
  })
  await t.rejects(failing, /changed my mind/)
  t.same((await database.query('TABLE public.item')).rows, [{ n: 1 }])
})

t.test(
  'commits are on disk whatever the database says, or safer if it says so',
  async t => {
    const { connectionString, database } = await open(t)
    for (const [said, held] of [
      ['off', 'on'],
      ['local', 'on'],
      ['remote_write', 'on'],
      ['on', 'on'],
      ['remote_apply', 'remote_apply'],
    ]) {
      await database.query(`DO $$ BEGIN EXECUTE format(
      'ALTER DATABASE %I SET synchronous_commit = ${said}', current_database()); END $$`)
      const other = openDatabase({ connectionString })
      const { rows } = await other.query(
        "SELECT current_setting('synchronous_commit') AS s",
      )
      t.same(rows, [{ s: held }], `${said}`)
      await other.close()
    }
  },
)

t.test('a query that takes too long frees its place at once, and ends', async t => {
  const { database } = await open(t, 1)
  await database.query(
    'CREATE TABLE public.item (n int); INSERT INTO public.item VALUES (1)',
  )
  const pid = await backend(database)
  await t.rejects(database.query('SELECT pg_sleep(60)', [], 50), /timeout/)
  t.not(await backend(database), pid, 'on another connection')
  await t.rejects(
    database.transaction(query => query('SELECT pg_sleep(60)', [], 50)),
    /timeout/,
  )
  t.ok(await backend(database))
  const limit = async (timeoutMs?: number) => {
    const text = "SELECT current_setting('statement_timeout') AS ms"
    return (await database.query<{ ms: string }>(text, [], timeoutMs)).rows[0]?.ms
  }
  t.equal(await limit(), '11s', 'the server gives it up as well')
  t.equal(await limit(60_000), '61s')
  t.equal(await limit(), '11s', 'and only that one had longer')
})

t.test('a query that waits for a lock too long ends, and the others go on', async t => {
  const { database } = await open(t)
  await database.query(
    'CREATE TABLE public.item (n int); INSERT INTO public.item VALUES (1)',
  )
  await database.transaction(async query => {
    await query('SELECT FROM public.item FOR UPDATE')
    await t.rejects(database.query('UPDATE public.item SET n = 2', [], 100), /timeout/)
    t.ok(await backend(database), 'the others go on')
  })
  t.equal((await database.query('SELECT FROM public.item')).rowCount, 1)
})

t.test('a lost connection fails its query, and not the process', async t => {
  const { connectionString } = await openTestDatabase(t)
  const logger = memoryLog()
  const database = openDatabase({ connectionString, maxConnections: 2, logger })
  const admin = openDatabase({ connectionString })
  t.teardown(() => Promise.all([database.close(), admin.close()]))
  const kill = async (pid: number) =>
    admin.query('SELECT pg_terminate_backend($1)', [pid])
  await kill(await backend(database))
  while (logger.lines.length === 0) await sleep(5)
  t.match(logger.lines[0], { message: 'An idle database connection was lost' })
  const pid = await backend(database)
  const sleeping = database.query('SELECT pg_sleep(60)')
  const ended = t.rejects(sleeping)
  await sleep(50)
  await kill(pid)
  await ended
  const cut = database.transaction(async query => {
    const { rows } = await query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await kill(rows[0]?.pid ?? 0)
    await sleep(50)
    return query('SELECT 1')
  })
  await t.rejects(cut)
  t.ok(await backend(database))
})

t.test('errors have their code, and quote neither rows nor the password', async t => {
  const { database } = await open(t)
  await database.query(
    'CREATE TABLE public.item (name text PRIMARY KEY CHECK (length(name) < 99))',
  )
  const insert = (name: string) =>
    database.query('INSERT INTO public.item VALUES ($1)', [name])
  await insert(SECRET)
  const taken = await refusal(insert(SECRET))
  t.equal(taken.code, '23505')
  t.notMatch(taken.all, SECRET)
  const tooLong = await refusal(insert(SECRET.repeat(10)))
  t.equal(tooLong.code, '23514')
  t.notMatch(tooLong.all, SECRET)
  const within = await refusal(
    database.transaction(query => query('INSERT INTO public.item VALUES ($1)', [SECRET])),
  )
  t.notMatch(within.all, SECRET)
})

t.test('a database that cannot be reached, or is no database, is told so', async t => {
  const mute = createServer(socket => socket.on('error', () => {}))
  const rude = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  for (const server of [mute, rude]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
  }
  const port = (server: typeof mute) => (server.address() as { port: number }).port
  for (const place of [
    `127.0.0.1:${port(mute)}`,
    `127.0.0.1:${port(rude)}`,
    '127.0.0.1:1',
  ]) {
    const database = openDatabase({
      connectionString: `postgres://someone:${SECRET}@${place}/bridge`,
      connectTimeoutMs: 200,
    })
    t.equal(database.location, `postgres://${place}/bridge`)
    const asked = [
      database.query('SELECT 1'),
      database.transaction(query => query('SELECT 1')),
      database.subscribe(
        'a',
        () => {},
        () => {},
      ),
    ]
    for (const error of await Promise.all(asked.map(refusal))) {
      t.notMatch(error.all, SECRET)
      t.notMatch(error.all, 'It did not reject')
    }
    await database.close()
  }
})

t.test('what is no connection string is refused without being quoted', t => {
  for (const connectionString of [
    `postgres://me:${SECRET}@[/bridge`,
    `postgres://me:${SECRET}@host:port/bridge`,
    `postgres://me:${SECRET}%@host/bridge?sslmode=%`,
  ]) {
    try {
      const database = openDatabase({ connectionString })
      t.notMatch(database.location, SECRET)
    } catch (error) {
      t.type(error, TypeError)
      t.notMatch(inspect(error, { depth: 20, showHidden: true }), SECRET)
    }
  }
  for (const bad of ['', undefined, 7]) {
    t.throws(() => openDatabase({ connectionString: bad as string }), TypeError)
  }
  const connectionString = 'postgres://localhost/bridge'
  t.throws(() => openDatabase({ connectionString, maxConnections: 0 }), TypeError)
  t.throws(() => openDatabase({ connectionString, connectTimeoutMs: 0 }), TypeError)
  t.end()
})

t.test('closing waits for what is under way and leaves no session', async t => {
  const { connectionString, database } = await open(t)
  const other = openDatabase({ connectionString })
  await other.subscribe(
    'a',
    () => {},
    () => {},
  )
  const queries = [1, 2, 3].map(() => other.query('SELECT pg_sleep(0.1)'))
  await sleep(50)
  const closing = other.close()
  t.equal(other.close(), closing)
  await Promise.all(queries)
  await closing
  const { rowCount } = await database.query(
    `SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND backend_type = 'client backend'`,
  )
  t.equal(rowCount, 0)
  await t.rejects(other.query('SELECT 1'), { code: 'CLOSED' })
  await t.rejects(
    other.transaction(async () => 1),
    { code: 'CLOSED' },
  )
  await t.rejects(
    other.subscribe(
      'a',
      () => {},
      () => {},
    ),
    { code: 'CLOSED' },
  )
})
