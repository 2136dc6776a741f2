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
  const ask = async (text: string) =>
    (await client.query<unknown[]>({ text, rowMode: 'array' })).rows.flat()
  const set = async (name: string, value: string) => {
    await client.query(`ALTER SYSTEM SET ${name} = ${value}`)
    await client.query('SELECT pg_reload_conf()')
    const isSet = async () => (await ask(`SHOW ${name}`))[0] === value
    await until(`${name} is ${value}`, isSet)
  }
  const store = postgresStore({ database: openDatabase(server) })
  for (const name of ['fsync', 'full_page_writes']) {
    await set(name, 'off')
    const message = new RegExp(`${name} = off`)
    await t.rejects(async () => store.set('a', '1'), { code: 'STORE_VOLATILE', message })
    const ours = "SELECT nspname FROM pg_namespace WHERE nspname ~ 'erasure'"
    t.same(await ask(ours), [], 'nothing was made')
    await set(name, 'on')
  }
  t.equal(await store.set('a', '1'), true)
  await store.disconnect?.()
  await client.end()
})
