// Settings that an administrator has given a role or a database, all at once.
import pg from 'pg'
import t, { type Test } from 'tap'

import { openDatabase } from '../../../lib/engines/postgres/connection/database.ts'
import { openPostgresErasure } from '../../support/postgres/open-erasure.ts'
import { openTestDatabase } from '../../support/postgres/open-database.ts'
import { until } from '../../support/until.ts'

/** Setting, hostile value, and what our sessions have instead. */
const HOSTILE = [
  ['DateStyle', 'German', 'ISO, MDY'],
  ['IntervalStyle', 'sql_standard', 'postgres'],
  ['TimeZone', 'America/St_Johns', 'UTC'],
  ['array_nulls', 'off', 'on'],
  ['bytea_output', 'escape', 'hex'],
  ['default_transaction_deferrable', 'on', 'off'],
  ['default_transaction_isolation', 'serializable', 'read committed'],
  ['default_transaction_read_only', 'on', 'off'],
  ['exit_on_error', 'on', 'off'],
  ['extra_float_digits', '-15', '1'],
  ['idle_in_transaction_session_timeout', '1s', '30s'],
  ['idle_session_timeout', '200ms', '0'],
  ['lock_timeout', '1ms', '0'],
  ['row_security', 'off', 'on'],
  ['search_path', 'nowhere', 'pg_catalog, pg_temp'],
  ['standard_conforming_strings', 'off', 'on'],
  ['statement_timeout', '900ms', '11s'],
  ['synchronous_commit', 'off', 'on'],
  ['transform_null_equals', 'on', 'off'],
] as const

async function openHostileDatabase(t: Test): Promise<string> {
  const { connectionString } = await openTestDatabase(t)
  const client = new pg.Client({ connectionString })
  await client.connect()
  for (const [name, value] of HOSTILE) {
    await client.query(`DO $$ BEGIN EXECUTE format(
      'ALTER DATABASE %I SET ${name} = ''${value}''', current_database()); END $$`)
  }
  await client.end()
  return connectionString
}

t.test('what a role or a database has set changes nothing for our sessions', async t => {
  const connectionString = await openHostileDatabase(t)
  // Those that a slow machine could trip over are left out; the tests below show their effect.
  const spared = ['idle_session_timeout', 'lock_timeout', 'statement_timeout']
  const options = spared.map(name => `-c ${name}=0`).join(' ')
  const plain = new pg.Client({ connectionString, options })
  await plain.connect()
  const database = openDatabase({ connectionString })
  t.teardown(() => database.close())
  for (const [name, value, pinned] of HOSTILE) {
    const show = `SELECT current_setting('${name}') AS value`
    if (!spared.includes(name)) {
      const { rows: theirs } = await plain.query<{ value: string }>(show)
      t.not(theirs[0]?.value, pinned, `${name} is set to ${value}`)
    }
    t.same((await database.query(show)).rows, [{ value: pinned }], name)
  }
  await plain.end()
})

t.test('the session that listens is not ended for listening', async t => {
  const connectionString = await openHostileDatabase(t)
  const database = openDatabase({ connectionString })
  t.teardown(() => database.close())
  const heard: string[] = []
  let reconnects = 0
  await database.subscribe(
    'channel',
    payload => heard.push(payload),
    () => (reconnects += 1),
  )
  // Longer than an idle session may last there, by the server itself.
  await database.query('SELECT pg_sleep(0.5)')
  await database.query("SELECT pg_notify('channel', 'still there')")
  await until('it is heard', () => heard.length > 0)
  t.same(heard, ['still there'])
  t.equal(reconnects, 0)
})

t.test('a request is carried out whatever the database has set', async t => {
  const connectionString = await openHostileDatabase(t)
  const { erase, erasure, log } = await openPostgresErasure(t, { connectionString })
  const user = '@bob:example.org'
  await erase(user)
  t.equal(await erasure.isErased(user), true)
  t.same(
    log.lines.filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  )
})
