import pg from 'pg'
import t from 'tap'

import { openDatabase } from '../../../../lib/engines/postgres/connection/database.ts'
import { postgresStore } from '../../../../lib/engines/postgres/store/postgres-store.ts'
import { openTestServer } from '../../../support/postgres/server.ts'
import { until } from '../../../support/until.ts'

t.test('a server that may lose what it has committed is refused, untouched', async t => {
  const server = await openTestServer(t)
  const client = new pg.Client(server)
  await client.connect()
  const ask = async (text: string) => (await client.query<{ fsync: string }>(text)).rows
  const setFsync = async (value: string) => {
    await client.query(`ALTER SYSTEM SET fsync = ${value}`)
    await client.query('SELECT pg_reload_conf()')
    const isSet = async () => (await ask('SHOW fsync'))[0]?.fsync === value
    await until(`fsync is ${value}`, isSet)
  }
  await setFsync('off')
  const store = postgresStore({ database: openDatabase(server) })
  await t.rejects(async () => store.set('a', '1'), { code: 'STORE_VOLATILE' })
  const ours = "SELECT FROM pg_namespace WHERE nspname ~ 'erasure'"
  t.equal((await ask(ours)).length, 0, 'nothing was made')
  await setFsync('on')
  t.equal(await store.set('a', '1'), true)
  await store.disconnect?.()
  await client.end()
})
