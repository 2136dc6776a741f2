// The PostgreSQL that the other tests run on.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'

import pg from 'pg'
import t from 'tap'

import { openTestDatabase } from './open-database.ts'
import { openTestServer, type TestServer } from './server.ts'
import { ROOT } from '../run-program.ts'
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
  const server = await openTestServer(t)
  const databases = async () => {
    const rows = await ask(
      server,
      "SELECT datname FROM pg_database WHERE datname ~ '_test_'",
    )
    return rows.length
  }
  await t.test('on the server of DATABASE_URL', async t => {
    const before = process.env['DATABASE_URL']
    process.env['DATABASE_URL'] = server.connectionString
    const [first, second] = [await openTestDatabase(t), await openTestDatabase(t)]
    if (before === undefined) delete process.env['DATABASE_URL']
    else process.env['DATABASE_URL'] = before
    await ask(first, 'CREATE TABLE mine ()')
    await ask(second, 'CREATE TABLE mine ()')
    t.equal(await databases(), 2)
    const forgotten = new pg.Client(first)
    forgotten.on('error', () => {})
    await forgotten.connect()
  })
  t.equal(await databases(), 0)
})

t.test('without DATABASE_URL there is a server all the same', async t => {
  const before = process.env['DATABASE_URL']
  delete process.env['DATABASE_URL']
  const [first, second] = await Promise.all([openTestDatabase(t), openTestDatabase(t)])
  if (before !== undefined) process.env['DATABASE_URL'] = before
  t.equal(new URL(first.connectionString).port, new URL(second.connectionString).port)
  t.same(await ask(first, 'SELECT 1 AS one'), [{ one: 1 }])
})

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  t.test(`nothing is left of a server whose process was ended by ${signal}`, async t => {
    const program = join(ROOT, 'test/support/postgres/hold-server.ts')
    const command = 'unset NODE_OPTIONS; exec "$0" --conditions=erasure-source "$@"'
    const child = spawn('sh', ['-c', command, process.execPath, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const server = JSON.parse(String(line)) as Pick<TestServer, 'dataDirectory' | 'port'>
    t.ok(await accepts(server.port))
    child.kill(signal)
    await once(child, 'exit')
    await until('its files are gone', () => !existsSync(dirname(server.dataDirectory)))
    await until('it is gone', async () => !(await accepts(server.port)))
  })
}

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
