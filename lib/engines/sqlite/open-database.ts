import { chmodSync, closeSync, existsSync, openSync, readSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { ErasureError, isError } from '../../errors.ts'
import { makeFolder } from '../../host/durable-folder.ts'

/** Tells our files from other SQLite databases: "MXer" in ASCII. */
export const APPLICATION_ID = 0x4d586572
/** Of the table below. A newer one is refused rather than misread. */
const SCHEMA_VERSION = 1
const FILE_HEADER = 'SQLite format 3\0'

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

/** A database of ours, and the lock that keeps other processes from writing it. */
export interface OpenDatabase {
  readonly database: DatabaseSync
  close(): void
}

/** Held here, since the garbage collector closes a database that nobody refers to. */
const locks = new Set<DatabaseSync>()

/**
 * Opens the database at `path` for the only writer, making it with mode 0600 if there is none.
 *
 * @throws ErasureError `STORE_LOCKED` if another process has it, `STORE_CORRUPT` if it is
 *   damaged, `STORE_FOREIGN` if it belongs to another program or a newer version. The file is
 *   left as it was.
 */
export function openDatabase(path: string): OpenDatabase {
  // SQLite syncs the folder that the database is in, and none above it.
  if (!existsSync(path)) makeFolder(dirname(resolve(path)))
  // A crash in the first write leaves half a page, and the journal by which SQLite undoes it.
  if (!existsSync(`${path}-journal`)) checkHeader(path)
  const lock = takeLock(path)
  try {
    touch(path)
    const database = openChecked(path, false)
    configure(database)
    locks.add(lock)
    return {
      database,
      close() {
        database.close()
        lock.close()
        locks.delete(lock)
      },
    }
  } catch (error) {
    lock.close()
    throw explain(error, path)
  }
}

/**
 * Opens the database at `path` for reading beside the process that writes it.
 *
 * @throws ErasureError `STORE_MISSING`, `STORE_CORRUPT` or `STORE_FOREIGN`
 */
export function openReadOnly(path: string): OpenDatabase {
  if (!existsSync(path)) {
    throw new ErasureError('STORE_MISSING', `${path}: there is no such database`, {
      store: path,
    })
  }
  checkHeader(path)
  try {
    const database = openChecked(path, true)
    return { database, close: () => database.close() }
  } catch (error) {
    throw explain(error, path)
  }
}

/** SQLite would take some damaged files for empty ones, and write to them. */
function checkHeader(path: string): void {
  if (!existsSync(path)) return
  const file = openSync(path, 'r')
  const header = Buffer.alloc(FILE_HEADER.length)
  const length = readSync(file, header)
  closeSync(file)
  if (length > 0 && header.toString('latin1', 0, length) !== FILE_HEADER)
    throw corrupt(path)
}

/**
 * The lock is a transaction on an empty database beside ours: the operating system lets go of
 * it however the process dies, which a file with a process ID in it cannot promise. It is not
 * taken on the database itself, so that `status` can read beside a running bridge.
 */
function takeLock(path: string): DatabaseSync {
  const lockPath = `${path}.lock`
  touch(lockPath)
  const lock = new DatabaseSync(lockPath)
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (!(isError(error) && error.message.includes('locked'))) throw error
    throw new ErasureError(
      'STORE_LOCKED',
      `${path}: another process is using this database; stop it, or give this one a path of its own`,
      { store: path, cause: error },
    )
  }
}

/** SQLite gives its -wal and -shm files the mode of the database. */
function touch(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}

function openChecked(path: string, readOnly: boolean): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly, timeout: 5000 })
  try {
    const { application_id: application } = pragma(database, 'application_id')
    const { user_version: version } = pragma(database, 'user_version')
    const { tables } = database
      .prepare('SELECT count(*) AS tables FROM sqlite_schema')
      .get() as { tables: number }
    const isNew = tables === 0 && application === 0
    if (!isNew && (application !== APPLICATION_ID || version !== SCHEMA_VERSION)) {
      throw foreign(path, application === APPLICATION_ID)
    }
    const { quick_check: damage } = pragma(database, 'quick_check(1)')
    if (damage !== 'ok') throw corrupt(path)
    return database
  } catch (error) {
    database.close()
    throw error
  }
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
  const { tables } = database
    .prepare('SELECT count(*) AS tables FROM sqlite_schema')
    .get() as { tables: number }
  if (tables === 0) database.exec(`BEGIN; ${SCHEMA} COMMIT`)
}

function pragma(database: DatabaseSync, name: string): Record<string, unknown> {
  return database.prepare(`PRAGMA ${name}`).get() as Record<string, unknown>
}

function explain(error: unknown, path: string): unknown {
  const damaged = isError(error) && /malformed|not a database/.test(error.message)
  return damaged ? corrupt(path, error) : error
}

function corrupt(path: string, cause?: unknown): ErasureError {
  return new ErasureError(
    'STORE_CORRUPT',
    `${path}: the file is damaged or not a SQLite database; nothing was changed. Restore it ` +
      'from a backup, or move it away and have the open requests sent again',
    { store: path, cause },
  )
}

function foreign(path: string, newer: boolean): ErasureError {
  const what = newer
    ? 'was made by a newer version of matrix-appservice-erasure; install that version'
    : "is another program's SQLite database; give the store a path of its own"
  return new ErasureError('STORE_FOREIGN', `${path}: this ${what}. Nothing was changed`, {
    store: path,
  })
}
