import { existsSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup } from 'node:sqlite'

import { ErasureError } from '../../errors.ts'
import { syncFolder } from '../../host/durable-folder.ts'
import { type CheckCopy, checkCopy, removeDatabase, syncFile } from './check-copy.ts'
import { makePrivateFile } from './find-place.ts'
import { openForReading } from './open-database.ts'
import { openingError } from './store-error.ts'

/** All in one step: after a step in which others have written, SQLite begins again. */
const ALL_PAGES = 2 ** 31 - 1

/**
 * Copies the database at `path` to `file`, even while a process writes it: everything that was
 * durable when the copy began, still sealed. `file` has mode 0600, and exists only once it is
 * complete, checked and on disk; until then it is called `file.partial`.
 *
 * @param check - checks the copy, and throws if it is not usable
 * @throws ErasureError `STORE_MISSING`, `STORE_CORRUPT`, `STORE_FOREIGN`, `STORE_UNREADABLE`;
 *   `STORE_UNWRITABLE` if `file` exists or cannot be written
 */
export async function backUp(
  path: string,
  file: string,
  check: CheckCopy,
): Promise<void> {
  refuseExisting(file)
  const source = openForReading(path)
  const partial = `${file}.partial`
  try {
    removeDatabase(partial)
    makePrivateFile(partial)
    await backup(source, partial, { rate: ALL_PAGES })
    syncFile(partial)
    await checkCopy(partial, check)
    refuseExisting(file)
    renameSync(partial, file)
    syncFolder(dirname(file))
  } catch (error) {
    removeDatabase(partial)
    throw openingError(error, file)
  } finally {
    source.close()
  }
}

function refuseExisting(file: string): void {
  if (existsSync(file)) {
    throw new ErasureError(
      'STORE_UNWRITABLE',
      `${file}: this file already exists; choose another name, it is not overwritten`,
      { store: file },
    )
  }
}
