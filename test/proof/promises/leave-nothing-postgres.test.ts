// The same on PostgreSQL. It keeps what was deleted, in its table until that is vacuumed and in
// its log until that is recycled, so all that counts is that the user is never there unsealed.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import pg from 'pg'
import t from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import type { Erasure } from '../../../lib/core/erasure.ts'
import { isErasureError } from '../../../lib/errors.ts'
import { postgresEngine } from '../../../lib/engines/postgres/postgres-engine.ts'
import { findResidue } from '../../../lib/testing/handlers/find-residue.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { openTestServer, type TestServer } from '../../support/postgres/server.ts'
import { until } from '../../support/until.ts'

const USER = '@zephyrine:example.org'
/** A user written to the same database in plain text, to see that they are found. */
const CONTROL = '@melusine:example.org'
const REQUESTS = 5
const SCHEMA = 'matrix_appservice_erasure'

t.test('4. We leave nothing, on PostgreSQL', async t => {
  const server = await openTestServer(t)
  const { dataDirectory } = server
  const files = [dataDirectory, join(dirname(dataDirectory), 'log')]
  const client = new pg.Client(server)
  await client.connect()
  await client.query(
    'CREATE TABLE control AS SELECT $1::text AS who FROM generate_series(1, 9)',
    [CONTROL],
  )
  await client.query('ANALYZE control; CHECKPOINT')
  t.same(await statistics(client, [CONTROL]), [{ tablename: 'control' }])
  const seen = new Set(findResidue(CONTROL, files).map(({ path }) => kindOf(path)))
  t.same([...seen].toSorted(), ['base', 'pg_wal'], 'they would be found')

  let mayFinish = false
  const erasure = await openOn(server)
  t.teardown(() => erasure.close())
  erasure.onUserErase<{ user: string; n: number }>('messages', {
    async purge({ userId, cursor }) {
      const n = cursor?.n ?? 0
      if (n === 20 && !mayFinish) return { more: { user: userId, n }, waitMs: 100 }
      return n < 40 ? { removed: 1, more: { user: userId, n: n + 1 } } : {}
    },
    verify: async () => 0,
  })
  erasure.onUserErase('fails', async ({ userId }) => {
    if (!mayFinish) throw new Error(userId)
  })
  await erasure.start()
  for (let request = 0; request < REQUESTS; request += 1) await erasure.accept(USER)
  // One of them is worked on at a time, and the others wait.
  await until('a handler has failed', async () => {
    const { open } = await erasure.status()
    return open.some(({ handlers }) => handlers['fails']?.code === 'PURGE_FAILED')
  })
  const sealed = await sealedValues(client)
  t.ok(sealed.length >= REQUESTS)
  await client.query('ANALYZE; CHECKPOINT')
  t.equal(howMany(sealed, dataDirectory), sealed.length, 'sealed values can be seen')
  t.same(findResidue(USER, files), [], 'while it is open the user is only sealed')

  mayFinish = true
  for (const { requestId } of (await erasure.status()).open) {
    await erasure.retry(requestId).catch((error: unknown) => {
      // It may have been finished meanwhile.
      if (!isErasureError(error, 'REQUEST_UNKNOWN')) throw error
    })
  }
  await until(
    'all are erased',
    async () => (await erasure.status()).counts.erased === REQUESTS,
  )
  await erasure.close()
  await client.query('ANALYZE')
  t.same(await sealedValues(client), [], 'no row is left')
  t.same(
    await statistics(client, [...sealed, USER]),
    [],
    'nor anything of one in statistics',
  )
  await client.query('CHECKPOINT')
  t.same(findResidue(USER, files), [], 'nor is the user once it is finished')
  const before = howMany(sealed, join(dataDirectory, 'base'))
  await client.query(`VACUUM FULL ${SCHEMA}.document`)
  await client.query('CHECKPOINT')
  const after = howMany(sealed, join(dataDirectory, 'base'))
  t.equal(after, 0, 'sealed values leave the table with VACUUM FULL')
  t.comment(
    `of ${sealed.length} sealed values ${before} were in the table's file before, and ` +
      `${howMany(sealed, join(dataDirectory, 'pg_wal'))} are in the write-ahead log after`,
  )
  await client.end()
  await server.stop()
  t.same(findResidue(USER, files), [], 'nor after the server has stopped')
})

async function openOn({ connectionString }: TestServer): Promise<Erasure> {
  return createErasure({
    registration: REGISTRATION,
    key: Buffer.alloc(32, 9),
    ...postgresEngine({ connectionString, drainMs: 200 }),
    settleMs: 50,
    sweepMs: 1000,
  })
}

/** What is sealed in the documents of open requests. */
async function sealedValues(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ value: string }>(
    `SELECT value FROM ${SCHEMA}.document WHERE key LIKE 'erasure:request:%'`,
  )
  const text = rows.map(({ value }) => value).join('')
  return [...text.matchAll(/"sealed":"([^"]+)"/g)].map(([, value = '']) => value)
}

/** How many of these texts are somewhere in the files of a folder. */
function howMany(texts: readonly string[], folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const left = new Set(texts)
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    for (const text of left) if (bytes.includes(text)) left.delete(text)
  }
  return texts.length - left.size
}

async function statistics(
  client: pg.Client,
  texts: readonly string[],
): Promise<unknown[]> {
  const { rows } = await client.query(
    `SELECT tablename FROM pg_stats WHERE EXISTS (SELECT FROM unnest($1::text[]) text
         WHERE strpos(pg_stats::text, text) > 0)`,
    [texts],
  )
  return rows
}

/** The folder of the data directory that a file is in. */
function kindOf(path: string): string {
  return /\/data\/(\w+)/.exec(path)?.[1] ?? path
}
