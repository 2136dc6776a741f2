import pg from 'pg'

import { parseUserId } from '../../../../lib/matrix/user-id.ts'
import { createRequestIds } from '../../../../lib/request/request-id.ts'
import { createUserSeal } from '../../../../lib/user-seal/user-seal.ts'
import { KEY } from '../../support/ours.ts'

/** A row to write. */
interface Row {
  readonly key: string
  readonly value: string
  readonly expires: number | null
}

interface Waiting {
  readonly rows: readonly Row[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const CREATE = `CREATE TABLE IF NOT EXISTS raw
  (key text PRIMARY KEY, value text NOT NULL, expires bigint)`
const UPSERT = `INSERT INTO raw (key, value, expires)
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires`

/** How long `isErased` would hold; only its size matters here. */
const TOMBSTONE_MS = 120 * 24 * 60 * 60 * 1000

/** The least there is to remember: one row, which says who. */
export async function openRaw(url: string): Promise<(userId: string) => Promise<void>> {
  const upsert = await openUpsert(url)
  return userId => {
    const value = JSON.stringify({ userId, receivedAt: Date.now() })
    return upsert([{ key: userId, value, expires: null }])
  }
}

/** What our store has to remember, with nothing around it: two rows, sealed. */
export async function openRawSealed(
  url: string,
): Promise<(userId: string) => Promise<void>> {
  const upsert = await openUpsert(url)
  const seal = createUserSeal(KEY)
  const nextId = createRequestIds()
  return value => {
    const userId = parseUserId(value)
    const now = Date.now()
    const id = nextId(now)
    const tag = seal.tag(userId)
    const sealed = seal.seal(userId, id)
    const request = { id, tag, sealed, receivedAt: now, handlers: {} }
    const expires = now + TOMBSTONE_MS
    return upsert([
      {
        key: `erasure:request:${id}`,
        value: JSON.stringify({ value: request }),
        expires: null,
      },
      {
        key: `erasure:tombstone:${tag}`,
        value: JSON.stringify({ value: now, expires }),
        expires,
      },
    ])
  }
}

/** Rows that come while a statement is under way wait, and become the next one together. */
async function openUpsert(url: string): Promise<(rows: Row[]) => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(CREATE)
  let waiting: Waiting[] = []
  let isBusy = false
  const flush = async () => {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      const rows = batch.flatMap(entry => entry.rows)
      const values = [
        rows.map(({ key }) => key),
        rows.map(({ value }) => value),
        rows.map(({ expires }) => expires),
      ]
      try {
        await client.query({ name: 'upsert', text: UPSERT, values })
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    isBusy = false
  }
  return rows =>
    new Promise((resolve, reject) => {
      waiting.push({ rows, resolve, reject })
      if (isBusy) return
      isBusy = true
      // What else this turn of the event loop brings goes along.
      setImmediate(() => void flush())
    })
}
