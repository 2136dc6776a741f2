import type { DatabaseSync } from 'node:sqlite'

import { ErasureError } from '../../errors.ts'
import { type HeldName, holdName } from '../../host/hold-name.ts'
import { tryCheckpoint } from './checkpoint.ts'
import { fileAt, findPlace, type Place, refuseSecondNames } from './find-place.ts'
import { openFiles, type OpenFiles } from './open-files.ts'
import { locked, openingError } from './store-error.ts'

/** A database that a store works on. */
export interface StoreDatabase {
  /** The connection; another one after the files had to be opened anew. */
  readonly database: DatabaseSync
  /**
   * Call it before a transaction: ensures that no other process can write the files.
   *
   * @throws ErasureError `STORE_REPLACED`, `STORE_LOCKED`, `STORE_UNWRITABLE`
   */
  ensureHeld(): void
  /**
   * Call it after a commit, before reporting it.
   *
   * @throws ErasureError `STORE_REPLACED` if the commit may be in a file that is no longer found
   */
  confirmHeld(): void
  close(): void
}

/**
 * A database that only this process writes; it notices when that is no longer so.
 *
 * A process loses its locks on a file when anything in it closes the file, such as a backup that reads
 * the folder. Then another program that opens and closes the database takes the log for left over and
 * removes it, while we still commit into it. So before each transaction and after each commit, it
 * checks that the locks and the files are still there, and if not, opens the files again.
 */
export class HeldDatabase implements StoreDatabase {
  readonly #place: Place
  readonly #name: HeldName
  #files: OpenFiles | undefined
  readonly #knowsLocks: boolean
  #closed = false

  /**
   * @throws ErasureError `STORE_LOCKED` if another process, or another store of this one, has it;
   *   `STORE_CORRUPT`, `STORE_FOREIGN`, `STORE_UNSAFE`, `STORE_UNWRITABLE`
   */
  constructor(path: string, allowNetworkFileSystem: boolean) {
    try {
      this.#place = findPlace(path, allowNetworkFileSystem)
      const name = holdName(this.#place.file)
      if (name === undefined) throw locked(path)
      this.#name = name
    } catch (error) {
      throw openingError(error, path)
    }
    try {
      refuseSecondNames(this.#place)
      this.#files = openFiles(this.#place.path)
      this.#knowsLocks = this.#files.knowsLocks
    } catch (error) {
      this.#name.release()
      throw openingError(error, path)
    }
  }

  get database(): DatabaseSync {
    this.#refuseClosed()
    this.#files ??= this.#openAgain()
    return this.#files.database
  }

  ensureHeld(): void {
    this.#refuseClosed()
    if (this.#files?.areHeld() === true) return
    this.#giveUp()
    this.#files = this.#openAgain()
  }

  confirmHeld(): void {
    if (this.#files?.areHeld() === true) return
    throw this.#replaced('were removed, or our locks on them were lost, during a commit')
  }

  close(): void {
    this.#closed = true
    this.#files?.close()
    this.#name.release()
  }

  /** No acknowledged request may be only in files that are no longer found. */
  #giveUp(): void {
    if (this.#files === undefined) return
    this.#refuseReplaced()
    // The locks are there and the log is not: only a person can have removed it, and its contents are
    // nowhere else. Without locks, another program removed it, after moving its contents into the
    // database.
    if (this.#files.hasLocks() && !tryCheckpoint(this.#files.database))
      throw this.#replaced('were removed, and what was in them cannot be saved now')
    this.#files.close()
    this.#files = undefined
  }

  #openAgain(): OpenFiles {
    this.#refuseReplaced()
    return openFiles(this.#place.path, this.#knowsLocks)
  }

  /** Closing releases the files for good: nothing may open them again. */
  #refuseClosed(): void {
    if (this.#closed)
      throw new ErasureError('CLOSED', `${this.#place.path}: this store is closed`)
  }

  #refuseReplaced(): void {
    if (fileAt(this.#place.path) !== this.#place.file)
      throw this.#replaced('were replaced or removed; restart this process')
  }

  #replaced(what: string): Error {
    const { path } = this.#place
    return new ErasureError(
      'STORE_REPLACED',
      `${path}: the files of the database ${what}`,
      { store: path },
    )
  }
}
