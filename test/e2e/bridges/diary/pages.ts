// What the diary keeps, and the purge handlers for it.
import { DatabaseSync } from 'node:sqlite'

import type { Erasure } from 'matrix-appservice-erasure'

/** Lines removed by one slice: few, so that there is a middle in which to kill it. */
const SLICE_LINES = 4

/** Something that a user said. */
export interface Line {
  readonly eventId: string
  readonly sender: string
  readonly body: string
  readonly at: number
}

/** The diary's own database. Deleted rows are overwritten, and no journal keeps them. */
export function openPages(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5000 })
  database.exec(`
    PRAGMA journal_mode = DELETE;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    CREATE TABLE IF NOT EXISTS line (
      event_id TEXT PRIMARY KEY, sender TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS line_sender ON line (sender);
    CREATE TABLE IF NOT EXISTS person (
      user_id TEXT PRIMARY KEY, name TEXT, at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `)
  return database
}

/** Writes a line down, once. */
export function addLine(database: DatabaseSync, line: Line): void {
  const { eventId, sender, body, at } = line
  database
    .prepare('INSERT INTO line VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
    .run(eventId, sender, body, at)
}

/** Remembers what a person is called. */
export function setPerson(
  database: DatabaseSync,
  userId: string,
  name: string | null,
  at: number,
): void {
  database.prepare('INSERT OR REPLACE INTO person VALUES (?, ?, ?)').run(userId, name, at)
}

/** Registers a purge handler for each table. */
export function forgetPeople(
  erasure: Pick<Erasure, 'onUserErase'>,
  database: DatabaseSync,
  pauseMs: number,
): void {
  const removeLines = database.prepare(
    `DELETE FROM line WHERE event_id IN (
       SELECT event_id FROM line WHERE sender = ? AND at <= ? LIMIT ?)`,
  )
  const removePerson = database.prepare(
    'DELETE FROM person WHERE user_id = ? AND at <= ?',
  )
  const lines = database.prepare('SELECT sender AS user FROM line WHERE at <= ?')
  const people = database.prepare('SELECT user_id AS user FROM person WHERE at <= ?')
  erasure.onUserErase('lines', {
    async purge({ userId, receivedAt }) {
      const { changes } = removeLines.run(userId, receivedAt.getTime(), SLICE_LINES)
      const removed = Number(changes)
      return removed === 0 ? {} : { removed, more: true, waitMs: pauseMs }
    },
    verify: async ({ userId, receivedAt }) =>
      lines.all(receivedAt.getTime()).filter(({ user }) => user === userId).length,
  })
  erasure.onUserErase('person', {
    async purge({ userId, receivedAt }) {
      return { removed: Number(removePerson.run(userId, receivedAt.getTime()).changes) }
    },
    verify: async ({ userId, receivedAt }) =>
      people.all(receivedAt.getTime()).filter(({ user }) => user === userId).length,
  })
}
