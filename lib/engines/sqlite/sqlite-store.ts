import { type Clock, systemClock } from '../../host/clock.ts'
import type { StoreAdapter } from '../../store/adapter.ts'
import { tryCheckpoint } from './checkpoint.ts'
import { HeldDatabase } from './held-database.ts'
import { openForReading } from './open-database.ts'
import { createAdapter, createReader } from './sqlite-adapter.ts'

/** Where the embedded store is. */
export interface SqliteStoreOptions {
  /**
   * The path of the database file. A missing file is created with mode 0600, a missing folder with
   * 0700. SQLite puts `-wal` and `-shm` files beside it; the lock is a file ending in `.lock`.
   * `:memory:` and `file:` URIs are refused: an acknowledged request must be on a disk.
   */
  readonly path: string
  /** Open it for reading only, while another process writes, as `status` does. Default: false. */
  readonly readOnly?: boolean
  /**
   * Allow a network file system (NFS, CIFS, 9p, sshfs and so on). By default it is refused: SQLite's
   * log needs locks and shared memory, which network file systems lack, and acknowledged requests
   * would be lost. Set it only if you know that this machine alone uses the file system and that the
   * file system honours fsync. Default: false.
   */
  readonly allowNetworkFileSystem?: boolean
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/**
 * Opens the embedded store: a Keyv storage adapter on `node:sqlite`.
 *
 * A resolved write survives a crash of the process, a crash of the operating system, and a power
 * cut, if the disk honours fsync. All writes of one turn of the event loop are one transaction.
 * Nothing deleted stays in the file (`secure_delete`) or, after `forget`, in the log beside it. The
 * store calls `forget` itself ten seconds after something was deleted.
 *
 * @throws ErasureError `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_FOREIGN`, `STORE_UNSAFE`,
 *   `STORE_UNWRITABLE`, or, read-only, `STORE_MISSING`, `STORE_UNREADABLE`
 */
export function sqliteStore(options: SqliteStoreOptions): StoreAdapter {
  const { path, readOnly = false, clock = systemClock } = options
  if (typeof path !== 'string' || path === '') {
    throw new TypeError('Expected `path` to be the path of the database file')
  }
  if (path === ':memory:' || /^file:/i.test(path)) {
    throw new TypeError(
      'Expected `path` to be the path of a file: a database in memory keeps nothing',
    )
  }
  if (readOnly) return createReader(path, openForReading(path), clock)
  const held = new HeldDatabase(path, options.allowNetworkFileSystem ?? false)
  const adapter = createAdapter({ path, held, clock, readOnly })
  // A crash may have come between deleting and forgetting: forget now, or as soon as possible.
  if (!tryCheckpoint(held.database)) void adapter.forget?.()
  return adapter
}
