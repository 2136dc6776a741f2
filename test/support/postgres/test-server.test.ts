// The PostgreSQL that the other tests run on.
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'

import pg from 'pg'
import t from 'tap'

import { openTestDatabase } from './open-database.ts'
import { openTestServer } from './server.ts'
import { startProgram } from '../program.ts'
import { until } from '../until.ts'

t.test('a server of our own keeps what it has promised over a crash', async t => {
  const server = await openTestServer(t)
  t.same(await ask(server, 'SHOW fsync'), [{ fsync: 'on' }])
  await ask(server, 'CREATE TABLE promise AS SELECT 42 AS answer')
  for (const mode of ['immediate', 'fast'] as const) {
    await server.restart(mode)
    t.same(await ask(server, 'SELECT answer FROM promise'), [{ answer: 42 }])
  }
  const sorted = "SELECT string_agg(x, '' ORDER BY x) FROM unnest('{B,a,C}'::text[]) x"
  t.same(await ask(server, sorted), [{ string_agg: 'aBC' }], 'sorts as people do')
  await server.stop()
  await t.rejects(ask(server, 'SELECT 1'), { code: 'ECONNREFUSED' })
  t.ok(existsSync(join(server.dataDirectory, 'PG_VERSION')))
  await server.remove()
  t.notOk(existsSync(dirname(server.dataDirectory)))
})

t.test('a database is empty, of its own, and dropped at the end', async t => {
  const before = process.env['DATABASE_URL']
  delete process.env['DATABASE_URL']
  t.teardown(() => {
    if (before !== undefined) process.env['DATABASE_URL'] = before
  })
  const outer = await openTestDatabase(t)
  const databases = async () =>
    (await ask(outer, "SELECT FROM pg_database WHERE datname ~ '_test_'")).length
  await t.test('without DATABASE_URL there is a server all the same', async t => {
    const other = await openTestDatabase(t)
    t.equal(new URL(other.connectionString).port, new URL(outer.connectionString).port)
    await ask(outer, 'CREATE TABLE mine ()')
    await ask(other, 'CREATE TABLE mine ()')
    t.equal(await databases(), 2)
    const forgotten = new pg.Client(other)
    forgotten.on('error', () => {})
    await forgotten.connect()
  })
  t.equal(await databases(), 1)
  await t.test('with it, the database is there', async t => {
    process.env['DATABASE_URL'] = outer.connectionString
    const other = await openTestDatabase(t)
    delete process.env['DATABASE_URL']
    t.same(await ask(other, 'SELECT 1 AS one'), [{ one: 1 }])
    t.equal(await databases(), 2)
  })
})

t.test('nothing is left of the server of a run that was killed', async t => {
  const hold = 'console.log(process.env.DATABASE_URL); process.stdin.resume()'
  const command = [process.execPath, '-e', hold]
  const program = startProgram('test/support/postgres/with-server.ts', command, {
    env: { DATABASE_URL: undefined },
  })
  t.teardown(() => program.process.stdin.end())
  const client = new pg.Client(await program.printed(/^postgresql:/))
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory')
  const folder = dirname(rows[0]?.data_directory ?? '')
  t.ok(existsSync(folder))
  program.process.kill('SIGKILL')
  await until('its files are gone', () => !existsSync(folder))
  await until('it is gone', async () => !(await accepts(client.port)))
})

t.test('a server that cannot be started fails the test, and says why', async t => {
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = join(t.testdir(), 'missing')
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  await t.rejects(openTestServer(t), /missing/)
  const nowhere = 'postgresql://postgres@127.0.0.1:1/postgres'
  await t.rejects(openTestDatabase(t, nowhere), { code: 'ECONNREFUSED' })
})

async function ask(
  { connectionString }: { readonly connectionString: string },
  query: string,
): Promise<unknown[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    const { rows } = await client.query(query)
    return rows
  } finally {
    await client.end()
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
