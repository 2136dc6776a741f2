import { DatabaseSync } from 'node:sqlite'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author TEXT NOT NULL,
    event_id TEXT UNIQUE,
    room_id TEXT,
    sender TEXT, -- NULL in entries that are older than this column
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entry_author ON entry (author);
  CREATE INDEX IF NOT EXISTS entry_sender ON entry (sender);
  CREATE TABLE IF NOT EXISTS profile (
    user_id TEXT PRIMARY KEY,
    name TEXT,
    avatar TEXT,
    changed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS admin_room (
    room_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS activity (
    user_id TEXT NOT NULL,
    day TEXT NOT NULL,
    messages INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (user_id, day)
  ) STRICT, WITHOUT ROWID;
`

/**
 * Opens the guestbook's own database. The journal is deleted at every commit, and deleted rows are
 * overwritten, so nothing of a deleted row stays in a file. A write-ahead log would keep old pages
 * until it is truncated.
 */
export function openDatabase(path: string): DatabaseSync {
  // The timeout is for other processes that read the database.
  const database = new DatabaseSync(path, { timeout: 5000 })
  database.exec(`
    PRAGMA journal_mode = DELETE;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    ${SCHEMA}
  `)
  return database
}
