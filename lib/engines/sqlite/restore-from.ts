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
 * Puts a copy of `file`, which {@link backUp} has made, in the place of the database at `path`,
 * and of what is beside it. Whenever it is broken off, there is the one database or the other.
 *
 * @param check - looks at the copy, and throws if it will not do; nothing is changed then
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

/** The store refuses a network file system by itself, unless it was told not to. */
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
    // It has got the mode of the backup, which others may read.
    makePrivateFile(copy)
    syncFile(copy)
    await checkCopy(copy, check)
    makeWhole(path)
    for (const made of [copy, `${path}.lock`]) give(made, owner)
    // A log that stays would be taken for the log of the copy. What was in it is in the old
    // database already, so that this may be broken off here.
    removeBeside(path)
    syncFolder(dirname(path))
    renameSync(copy, path)
    syncFolder(dirname(path))
  } finally {
    rmSync(copy, { force: true })
  }
}

/** Makes the log part of the old database. One that is damaged has nothing to be kept. */
function makeWhole(path: string): void {
  try {
    openForWriting(path).close()
  } catch (error) {
    if (!isErasureError(error, 'STORE_CORRUPT')) throw error
  }
}

type Owner = Pick<Stats, 'uid' | 'gid'>

/** The user who restores is not always the user that the bridge runs as. */
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
