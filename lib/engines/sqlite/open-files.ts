import { DatabaseSync } from 'node:sqlite'

import { ErasureError } from '../../errors.ts'
import { watchLocks } from '../../host/watch-locks.ts'
import { fileAt } from './find-place.ts'
import { openForWriting } from './open-database.ts'
import { takeLock } from './take-lock.ts'

/** The files of a database, open and locked. */
export interface OpenFiles {
  readonly database: DatabaseSync
  /** Whether the system says which locks we hold. */
  readonly knowsLocks: boolean
  /** Whether the locks are still there, and the paths still lead to these files. */
  areHeld(): boolean
  /** Whether the system says that the locks are still there. */
  hasLocks(): boolean
  close(): void
}

/**
 * Locks the database at `path` and opens it.
 *
 * @param mustKnowLocks - it was open before, and the system said which locks we hold: it must again
 * @throws ErasureError `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_FOREIGN`, `STORE_UNWRITABLE`
 */
export function openFiles(path: string, mustKnowLocks = false): OpenFiles {
  const lock = takeLock(path)
  const opened: DatabaseSync[] = []
  try {
    const database = openForWriting(path)
    opened.push(database)
    const witness = openWitness(path)
    opened.push(witness)
    const locks = watchLocks([path, `${path}-shm`, `${path}.lock`])
    if (mustKnowLocks && !locks.isKnown) throw stillOpen(path)
    const paths = ['', '-wal', '-shm', '.lock'].map(suffix => path + suffix)
    const files = paths.map(fileAt)
    const areHeld = () =>
      locks.areHeld() && paths.every((name, index) => fileAt(name) === files[index])
    return {
      database,
      knowsLocks: locks.isKnown,
      areHeld,
      hasLocks: () => locks.isKnown && locks.areHeld(),
      close() {
        // SQLite makes the log part of the database when the last connection closes, and removes
        // it. One that can only read does not: it must not be done with a log of others.
        const order = areHeld() ? [witness, database] : [database, witness]
        for (const connection of [...order, lock]) connection.close()
        locks.close()
      },
    }
  } catch (error) {
    for (const connection of [...opened.toReversed(), lock]) connection.close()
    throw error
  }
}

function openWitness(path: string): DatabaseSync {
  const witness = new DatabaseSync(path, { readOnly: true })
  // Reading is what makes SQLite open the files.
  witness.exec('SELECT count(*) FROM sqlite_schema')
  return witness
}

function stillOpen(path: string): Error {
  return new ErasureError(
    'STORE_REPLACED',
    `${path}: our locks on the files of the database were lost and cannot be taken again while ` +
      'another connection of this process has them open; close it',
    { store: path },
  )
}
