// Behind a real PgBouncer. What shares sessions between clients is refused before anything is
// accepted, changed or set.
import pg from 'pg'
import t, { type Test } from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import { postgresEngine } from '../../../lib/engines/postgres/postgres-engine.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { openPostgresErasure } from '../../support/postgres/open-erasure.ts'
import { openTestDatabase } from '../../support/postgres/open-database.ts'
import { findPooler, type PoolerOptions } from '../../support/postgres/pooler.ts'

const skip = process.env['SKIP_PGBOUNCER'] === '1' && 'SKIP_PGBOUNCER is set'

async function ask(connectionString: string, query: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  const { rows } = await client.query<unknown[]>({ text: query, rowMode: 'array' })
  await client.end()
  return rows.flat()
}

/** Other programs on the same pooler, until the test ends. */
function keepBusy(
  t: Pick<Test, 'teardown'>,
  connectionString: string,
  count: number,
): void {
  const over = new AbortController()
  const running = Array.from({ length: count }, async () => {
    const client = new pg.Client({ connectionString })
    await client.connect()
    while (!over.signal.aborted) await client.query('SELECT pg_sleep(0.001)')
    await client.end()
  })
  t.teardown(async () => {
    over.abort()
    await Promise.all(running)
  })
}

/** Opens an erasure, and closes it should it open. */
async function open(connectionString: string): Promise<void> {
  const erasure = await createErasure({
    registration: REGISTRATION,
    key: Buffer.alloc(32, 1),
    ...postgresEngine({ connectionString }),
  })
  await erasure.close()
}

t.test('PgBouncer', { skip, timeout: 110_000 }, async t => {
  const { connectionString } = await openTestDatabase(t)
  const openPooler = await findPooler(t, connectionString)
  t.jobs = 5

  const refused: ReadonlyArray<PoolerOptions & { readonly others: number }> = [
    { mode: 'transaction', size: 1, others: 0 },
    { mode: 'transaction', size: 10, others: 0 },
    { mode: 'transaction', size: 3, others: 6 },
    { mode: 'statement', size: 2, others: 1 },
  ]
  for (const { others, ...options } of refused) {
    const title = `${options.mode} mode with ${options.size} sessions and ${others} others is refused`
    void t.test(title, { buffered: true }, async t => {
      const pooled = await openPooler(options)
      const settings = `SELECT concat_ws('/', current_setting('search_path'),
        current_setting('statement_timeout'), current_setting('timezone'))`
      const before = await ask(connectionString, settings)
      keepBusy(t, pooled, others)
      await Promise.all(
        Array.from({ length: 5 }, () =>
          t.rejects(open(pooled), { code: 'STORE_POOLED', message: /session mode/ }),
        ),
      )
      const after = await Promise.all(
        Array.from({ length: options.size }, () => ask(pooled, settings)),
      )
      t.ok(
        after.every(([settings]) => settings === before[0]),
        'sessions of others have their own settings',
      )
      const schemas = "SELECT nspname FROM pg_namespace WHERE nspname ~ 'erasure'"
      t.same(await ask(connectionString, schemas), [])
    })
  }

  void t.test('a request is carried out in session mode', { buffered: true }, async t => {
    const own = await openTestDatabase(t)
    const url = new URL(await openPooler({ mode: 'session', size: 20 }))
    url.pathname = new URL(own.connectionString).pathname
    const { erase, purged } = await openPostgresErasure(t, {
      connectionString: url.href,
    })
    await erase('@bob:example.org')
    t.same([...purged], ['@bob:example.org'])
  })
})
