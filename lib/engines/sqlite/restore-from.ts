import {
  chownSync,
  copyFileSync,
  existsSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'

import { ErasureError, hasSystemCode, isErasureError } from '../../errors.ts'
import { syncFolder } from '../../host/durable-folder.ts'
import { holdName } from '../../host/hold-name.ts'
import {
  type CheckCopy,
  checkCopy,
  removeBeside,
  removeDatabase,
  syncFile,
} from './check-copy.ts'
import { findPlace, makePrivateFile } from './find-place.ts'
import { openForWriting } from './open-database.ts'
import { locked, openingError } from './store-error.ts'
import { takeLock } from './take-lock.ts'

/**
 * Replaces the database at `path`, and the files beside it, by a copy of `file`, which
 * {@link backUp} made. Whenever it is interrupted, either the old or the new database is there.
 *
 * @param check - checks the copy, and throws if it is not usable; nothing is changed then
 * @throws ErasureError `STORE_LOCKED` if a process has the database open, `STORE_FOREIGN` if one
 *   of the two is another program's, `STORE_CORRUPT` if `file` is damaged, `STORE_MISSING`,
 *   `STORE_UNREADABLE`, `STORE_UNWRITABLE`
 */
export async function restoreFrom(
  path: string,
  file: string,
  check: CheckCopy,
): Promise<void> {
  refuseUnlessWhole(file)
  await checkCopy(file, check)
  const like = existsSync(path) ? path : dirname(path)
  const place = placeOf(path)
  const owner = statSync(like)
  const name = holdName(place.file)
  if (name === undefined) throw locked(path)
  try {
    const lock = takeLock(place.path)
    try {
      await replace(place.path, file, check, owner)
    } finally {
      lock.close()
    }
  } catch (error) {
    throw openingError(error, path)
  } finally {
    name.release()
  }
}

/** The store itself refuses a network file system, unless that was allowed. */
function placeOf(path: string): ReturnType<typeof findPlace> {
  try {
    return findPlace(path, true)
  } catch (error) {
    throw openingError(error, path)
  }
}

async function replace(
  path: string,
  file: string,
  check: CheckCopy,
  owner: Owner,
): Promise<void> {
  const copy = `${path}.restoring`
  removeDatabase(copy)
  try {
    copyFileSync(file, copy)
    // The copy has the mode of the backup, which others may be allowed to read.
    makePrivateFile(copy)
    syncFile(copy)
    await checkCopy(copy, check)
    makeWhole(path)
    for (const made of [copy, `${path}.lock`]) give(made, owner)
    // SQLite would take an old log for the log of the copy. The old database already contains what
    // was in the log, so an interruption here does no harm.
    removeBeside(path)
    syncFolder(dirname(path))
    renameSync(copy, path)
    syncFolder(dirname(path))
  } finally {
    rmSync(copy, { force: true })
  }
}

/** Moves the log into the old database. If that is damaged, there is nothing to keep. */
function makeWhole(path: string): void {
  try {
    openForWriting(path).close()
  } catch (error) {
    if (!isErasureError(error, 'STORE_CORRUPT')) throw error
  }
}

type Owner = Pick<Stats, 'uid' | 'gid'>

/** The user running the restore is not always the user that the bridge runs as. */
function give(file: string, { uid, gid }: Owner): void {
  try {
    chownSync(file, uid, gid)
  } catch (error) {
    if (!hasSystemCode(error, 'EPERM', 'EINVAL', 'ENOSYS')) throw error
  }
}

function refuseUnlessWhole(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) {
    throw new ErasureError('STORE_MISSING', `${file}: there is no such file`, {
      store: file,
    })
  }
  for (const suffix of ['-wal', '-journal']) {
    if ((statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0) === 0) continue
    throw new ErasureError(
      'STORE_UNREADABLE',
      `${file}: there is a ${suffix} file beside it, so this is not the file of a backup; if these ` +
        'are copies of the files of a database, put them into a folder as erasure.db and ' +
        `erasure.db${suffix}, and make a backup of that with --data`,
      { store: file },
    )
  }
}
