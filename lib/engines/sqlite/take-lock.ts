import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

import { ErasureError, isErasureError } from '../../errors.ts'
import { makePrivateFile } from './find-place.ts'
import { openingError } from './store-error.ts'

/**
 * Takes the lock of the database at `path`: a transaction on an empty database beside ours. The
 * operating system releases it however the process dies, which a file with a process ID cannot promise.
 * The lock is not on the database itself, so that `status` can read while the bridge runs.
 *
 * @throws ErasureError `STORE_LOCKED`
 */
export function takeLock(path: string): DatabaseSync {
  const lockPath = `${path}.lock`
  let lock: DatabaseSync | undefined
  try {
    if (!existsSync(lockPath)) makePrivateFile(lockPath)
    lock = new DatabaseSync(lockPath)
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    const opening = openingError(error, path)
    if (isErasureError(opening, 'STORE_CORRUPT')) {
      throw new ErasureError(
        'STORE_UNWRITABLE',
        `${lockPath}: not a database; delete this file, which has nothing in it`,
        { store: path, cause: error },
      )
    }
    throw opening
  }
}
