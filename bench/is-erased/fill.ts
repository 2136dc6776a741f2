// Fills a store with tombstones, written as Keyv writes them.
import { randomBytes } from 'node:crypto'

import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { databasePath } from '../support/erasure.ts'
import { answerParent, argument } from '../support/parent.ts'

const TAG_BYTES = 16
const TOMBSTONE_MS = 120 * 24 * 60 * 60 * 1000
const BATCH = 20_000

const folder = argument(0)
const count = Number(argument(1))

const store = sqliteStore({ path: databasePath(folder) })
for (let written = 0; written < count; written += BATCH) {
  const entries = Array.from(
    { length: Math.min(BATCH, count - written) },
    createTombstone,
  )
  await store.setMany?.(entries)
}
await store.disconnect?.()
answerParent({})

function createTombstone(): { key: string; value: string; ttl: number } {
  const receivedAt = Date.now()
  const document = { value: receivedAt, expires: receivedAt + TOMBSTONE_MS }
  return {
    key: `erasure:tombstone:${randomBytes(TAG_BYTES).toString('base64url')}`,
    value: JSON.stringify(document),
    ttl: TOMBSTONE_MS,
  }
}
