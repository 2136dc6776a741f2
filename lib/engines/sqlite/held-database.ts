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
   * To be called before a transaction: makes sure that nobody else can get at the files.
   *
   * @throws ErasureError `STORE_REPLACED`, `STORE_LOCKED`, `STORE_UNWRITABLE`
   */
  ensureHeld(): void
  /**
   * To be called after a commit, before anybody is told of it.
   *
   * @throws ErasureError `STORE_REPLACED` if the commit may be in a file that nobody will find
   */
  confirmHeld(): void
  close(): void
}

/**
 * A database that this process alone writes, and notices when it does not any more.
 *
 * A process loses its locks on a file when anything in it closes the file: a backup that reads
 * the folder, for one. Then another program that opens the database and closes it takes the log
 * for left over and removes it, while we go on committing into it. So before each transaction
 * and after each commit it looks whether the locks and the files are still there, and opens the
 * files anew if not.
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

  /** Nothing of what was acknowledged may be only in files that nobody will find. */
  #giveUp(): void {
    if (this.#files === undefined) return
    this.#refuseReplaced()
    // The locks are there and the log is not: nobody but a person can have removed it, and what
    // was in it is nowhere else. Without locks another program has, which first made all of it part of the
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

  /** Closing lets go of the files for good: nothing may open them again. */
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
