import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

import { ErasureError } from '../../errors.ts'
import { corrupt, openingError } from './store-error.ts'

/** Tells our files from other SQLite databases: "MXer" in ASCII. */
export const APPLICATION_ID = 0x4d586572
/** Of the table below. A newer one is refused rather than misread. */
const SCHEMA_VERSION = 1
/** How long to wait for a program that has the database, at the opening only. */
const BUSY_MS = 5000

const SCHEMA = `
  CREATE TABLE document (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    expires INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX document_expires ON document (expires) WHERE expires IS NOT NULL;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/**
 * Opens the database at `path` for writing, makes its table if the file is empty, and checks it.
 *
 * @throws ErasureError `STORE_CORRUPT` if it is damaged, `STORE_FOREIGN` if it belongs to another
 *   program or a newer version, both with the files left as they were; `STORE_UNWRITABLE`
 */
export function openForWriting(path: string): DatabaseSync {
  try {
    // A program that has opened a database for writing changes it when closing: the log becomes part of
    // it. Where the log is another database's, only a reader may find that out.
    if (sizeOf(`${path}-wal`) > 0) openChecked(path, true).close()
    const database = openChecked(path, false)
    try {
      configure(database)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    throw openingError(error, path)
  }
}

/**
 * Opens the database at `path` for reading, beside the process that writes it if there is one.
 *
 * @throws ErasureError `STORE_MISSING`, `STORE_CORRUPT`, `STORE_FOREIGN` or `STORE_UNREADABLE`
 */
export function openForReading(path: string): DatabaseSync {
  try {
    // Not by its existing: a folder that may not be searched is another matter.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) {
      throw new ErasureError('STORE_MISSING', `${path}: there is no such database`, {
        store: path,
      })
    }
    return openChecked(path, true)
  } catch (error) {
    throw openingError(error, path, true)
  }
}

function openChecked(path: string, readOnly: boolean): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly, timeout: BUSY_MS })
  try {
    checkDatabase(database, path)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Checks that a database is whole and ours, or, if it may be, empty.
 *
 * @throws ErasureError `STORE_CORRUPT`, `STORE_FOREIGN`
 */
export function checkDatabase(
  database: DatabaseSync,
  path: string,
  mayBeEmpty = true,
): void {
  const application = pragma(database, 'application_id')
  const version = pragma(database, 'user_version')
  const isNew = mayBeEmpty && tableCount(database) === 0 && application === 0
  // SQLite takes a file of one byte for an empty one.
  if (pragma(database, 'page_count') === 0 && sizeOf(path) > 0) throw corrupt(path)
  if (!isNew && (application !== APPLICATION_ID || version !== SCHEMA_VERSION)) {
    throw foreign(path, application === APPLICATION_ID)
  }
  // With a log that is not its own, each page may be whole and the index another's.
  const check = sizeOf(`${path}-wal`) > 0 ? 'integrity_check(1)' : 'quick_check(1)'
  if (pragma(database, check) !== 'ok') throw corrupt(path)
}

/**
 * Durable (FULL: fsync at every commit), and nothing deleted stays behind. No busy timeout: it
 * would block the event loop, and only a checkpoint meets anybody, which is tried again later.
 */
function configure(database: DatabaseSync): void {
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA busy_timeout = 0;
    PRAGMA wal_autocheckpoint = 4000;
  `)
  if (tableCount(database) === 0) database.exec(`BEGIN; ${SCHEMA} COMMIT`)
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
}

function tableCount(database: DatabaseSync): unknown {
  const counted = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()
  return counted?.['tables']
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function foreign(path: string, newer: boolean): Error {
  const what = newer
    ? 'was made by a newer version of matrix-appservice-erasure; install that version'
    : "is another program's SQLite database; give the store a path of its own"
  return new ErasureError('STORE_FOREIGN', `${path}: this ${what}. Nothing was changed`, {
    store: path,
  })
}
