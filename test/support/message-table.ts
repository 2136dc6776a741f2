// A bridge's message table on a real SQLite file, and a handler for it that gets nothing wrong.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import type { Test } from 'tap'

import type { PurgeHandler } from '../../lib/purge/handler.ts'
import type { PurgeHandlerTest } from '../../lib/testing/handlers/test-purge-handler.ts'

/** The parts a test of a handler is made of. */
export interface MessageTable {
  readonly db: DatabaseSync
  readonly good: PurgeHandler<number>
  readonly test: PurgeHandlerTest
}

export function messageTable(
  t: Test,
  pragma = 'PRAGMA secure_delete = ON',
): MessageTable {
  const path = join(t.testdir(), 'bridge.db')
  const db = new DatabaseSync(path)
  t.teardown(() => db.close())
  // No test looks at what a power cut does to the bridge's own data.
  db.exec(
    `${pragma}; PRAGMA synchronous = OFF; CREATE TABLE message (id INTEGER PRIMARY KEY, sender TEXT, body TEXT)`,
  )
  const insert = db.prepare('INSERT INTO message (sender, body) VALUES (?, ?)')
  const idsOf = db.prepare('SELECT id FROM message WHERE sender = ? ORDER BY id LIMIT ?')
  const remove = db.prepare('DELETE FROM message WHERE id = ?')
  const count = db.prepare('SELECT count(*) AS n FROM message WHERE sender = ?')
  const rows = db.prepare(
    'SELECT id, sender, body FROM message WHERE sender = ? ORDER BY id',
  )
  const good: PurgeHandler<number> = {
    async purge({ userId, cursor = 0 }) {
      const ids = idsOf.all(userId, 3)
      for (const { id } of ids) remove.run(id ?? null)
      return ids.length === 3 ? { removed: 3, more: cursor + 1 } : { removed: ids.length }
    },
    verify: async ({ userId }) => Number(count.get(userId)?.['n']),
  }
  const test: PurgeHandlerTest = {
    plant(userId) {
      for (let n = 0; n < 8; n += 1) insert.run(userId, `message ${n}`)
    },
    read: userId => rows.all(userId),
    files: [path],
  }
  return { db, good, test }
}
