import { statSync } from 'node:fs'

import { ErasureError, hasSystemCode, isErasureError, isError } from '../../errors.ts'

/** Primary result codes of SQLite; see https://www.sqlite.org/rescode.html */
const RESULT = {
  BUSY: 5,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
}

/**
 * Why opening the database at `path` failed, with our own codes: the file, and what to do.
 *
 * @param error - of SQLite, of the file system, or ours already
 */
export function openingError(error: unknown, path: string, isReading = false): Error {
  if (isErasureError(error)) return error
  const result = resultOf(error)
  if (result === RESULT.CORRUPT || result === RESULT.NOTADB) return corrupt(path, error)
  if (result === RESULT.BUSY) return locked(path, error)
  const code = isReading ? 'STORE_UNREADABLE' : 'STORE_UNWRITABLE'
  return new ErasureError(code, `${path}: ${wayOut(error, result)}`, {
    store: path,
    cause: error,
  })
}

/** The database, or the log beside it, does not hold together. */
export function corrupt(path: string, cause?: unknown): Error {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false })
  const what =
    log === undefined || log.size === 0
      ? 'the file is damaged or not a SQLite database'
      : 'the file is damaged, or the -wal file beside it belongs to another'
  return new ErasureError(
    'STORE_CORRUPT',
    `${path}: ${what}; nothing was changed. Restore a backup with \`matrix-appservice-erasure ` +
      'restore`, or move all files of the database away and have the open requests sent again',
    { store: path, cause },
  )
}

/** Another process, or another store of this one, writes it. */
export function locked(path: string, cause?: unknown): Error {
  return new ErasureError(
    'STORE_LOCKED',
    `${path}: another process, or another store of this one, is using this database; stop it, or give this one a path of its own`,
    { store: path, cause },
  )
}

function wayOut(error: unknown, result: number | undefined): string {
  if (hasSystemCode(error, 'ENOSPC', 'EDQUOT') || result === RESULT.FULL)
    return 'the disk is full; make room'
  if (result === RESULT.IOERR) return 'the disk did not take it; is it full, or broken?'
  if (hasSystemCode(error, 'EROFS')) return 'the file system is mounted for reading only'
  if (hasSystemCode(error, 'ENOENT'))
    return 'its folder is not there; make it, or correct the path'
  if (hasSystemCode(error, 'ENOTDIR', 'EEXIST')) return 'a part of this path is a file'
  if (
    hasSystemCode(error, 'EACCES', 'EPERM') ||
    result === RESULT.READONLY ||
    result === RESULT.CANTOPEN
  ) {
    return 'it cannot be opened; the user of this process needs the right to read and write the file, its folder and the -wal, -shm and .lock files in it'
  }
  return 'it cannot be opened; the cause says why'
}

/** Without the details in its higher bits. */
function resultOf(error: unknown): number | undefined {
  if (!isError(error) || !('errcode' in error)) return undefined
  return Number(error.errcode) & 0xff
}
