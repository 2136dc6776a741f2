import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'

import { systemClock } from '../../host/clock.ts'
import type { StoreAdapter } from '../../store/adapter.ts'
import { checkDatabase } from './open-database.ts'
import { createReader } from './sqlite-adapter.ts'
import { openingError } from './store-error.ts'

/** Looks at a copy of a database, and throws if it will not do. */
export type CheckCopy = (copy: StoreAdapter) => Promise<void>

/**
 * Checks a copy that no process writes, without changing it or creating files beside it.
 *
 * @throws ErasureError `STORE_CORRUPT`, `STORE_FOREIGN`, `STORE_UNREADABLE`, and what `check` throws
 */
export async function checkCopy(file: string, check: CheckCopy): Promise<void> {
  const url = pathToFileURL(file)
  url.searchParams.set('immutable', '1')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(url.href, { readOnly: true })
    checkDatabase(database, file, false)
    await check(createReader(file, database, systemClock))
  } catch (error) {
    throw openingError(error, file, true)
  } finally {
    database?.close()
  }
}

/** Removes a file and what SQLite may have put beside it. */
export function removeDatabase(file: string): void {
  removeBeside(file)
  rmSync(file, { force: true })
}

/** Removes what SQLite may have put beside a file. */
export function removeBeside(file: string): void {
  for (const suffix of ['-wal', '-shm', '-journal'])
    rmSync(file + suffix, { force: true })
}

/** Returns when a file is on disk. It must not be open elsewhere: closing it ends locks. */
export function syncFile(file: string): void {
  const descriptor = openSync(file, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
