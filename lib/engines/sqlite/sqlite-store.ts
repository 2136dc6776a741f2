import { type Clock, systemClock } from '../../host/clock.ts'
import type { StoreAdapter } from '../../store/adapter.ts'
import { Checkpointer, tryCheckpoint } from './checkpoint.ts'
import { DocumentTable, EXPIRY_ROWS } from './document-table.ts'
import { GroupCommit } from './group-commit.ts'
import { HeldDatabase, readDatabase, type StoreDatabase } from './held-database.ts'

/** Where the embedded store lies. */
export interface SqliteStoreOptions {
  /**
   * The database file; made with mode 0600 if missing, and its folder with 0700. SQLite puts
   * `-wal` and `-shm` files beside it, and the lock is a file ending in `.lock`. Not `:memory:`
   * and not a `file:` URI: what is acknowledged must be on a disk.
   */
  readonly path: string
  /** Read beside the process that writes, as `status` does. Default: false. */
  readonly readOnly?: boolean
  /**
   * Put up with a network file system (NFS, CIFS, 9p, sshfs and so on), which is refused
   * otherwise: SQLite's log needs locks and shared memory that those do not have, and loses
   * acknowledged requests without. Only where the file system is known to be used by this machine
   * alone and to honour fsync. Default: false.
   */
  readonly allowNetworkFileSystem?: boolean
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** How often documents past their time to live are deleted. */
const EXPIRY_MS = 60 * 60 * 1000
/** How long what was deleted may stay in the log if nobody calls `forget`: that is four fsyncs. */
const FORGET_MS = 10_000

/**
 * Opens the embedded store: a Keyv storage adapter on `node:sqlite`.
 *
 * A resolved write survives a crash of the process, a crash of the operating system, and a power
 * cut, if the disk honours fsync. All writes of one turn of the event loop are one transaction.
 * Nothing deleted stays in the file (`secure_delete`) or, after `forget`, in the log beside it;
 * `forget` follows by itself ten seconds after something was deleted.
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
  const held = readOnly
    ? readDatabase(path)
    : new HeldDatabase(path, options.allowNetworkFileSystem ?? false)
  const adapter = createAdapter({ path, held, clock, readOnly })
  // What a crash has left between deleting and forgetting: now, or else when it can be.
  if (!readOnly && !tryCheckpoint(held.database)) void adapter.forget?.()
  return adapter
}

interface AdapterParts {
  readonly path: string
  readonly held: StoreDatabase
  readonly clock: Clock
  readonly readOnly: boolean
}

function createAdapter({ path, held, clock, readOnly }: AdapterParts): StoreAdapter {
  // `Date.now` and not the clock, because Keyv writes and reads the times by it.
  const documents = new DocumentTable(held, Date.now)
  const commits = new GroupCommit(held)
  const checkpoints = new Checkpointer(held, clock)
  let cancelForget: (() => void) | undefined
  const forgetSoon = () => {
    cancelForget ??= clock.setTimer(() => {
      cancelForget = undefined
      void checkpoints.forget()
    }, FORGET_MS)
  }
  const write = async <Result>(run: () => Result): Promise<Result> => {
    const result = await commits.write(run)
    if (documents.takeDeleted() && !closed) forgetSoon()
    return result
  }
  let closed = false
  const stopExpiry = readOnly
    ? () => {}
    : expireEvery(EXPIRY_MS, clock, () => write(() => documents.expire()))
  const adapter: StoreAdapter = {
    durable: true,
    location: path,
    opts: { dialect: 'sqlite' },
    on: () => adapter,
    get: async key => documents.get(key) as never,
    has: async key => documents.has(key),
    set: (key, value, ttl) => write(() => documents.set({ key, value, ttl })),
    // Keyv's type says nothing comes back; Keyv itself passes on what does.
    setMany: entries => write(() => entries.map(entry => documents.set(entry))) as never,
    delete: key => write(() => documents.delete(key)),
    deleteMany: keys =>
      write(() => keys.map(key => documents.delete(key)).every(Boolean)),
    writeIf: change => write(() => documents.writeIf(change)),
    clear() {
      return write(() => documents.clear(this.namespace))
    },
    iterator: namespace => documents.iterate(namespace) as never,
    forget: signal => checkpoints.forget(signal),
    async disconnect() {
      if (closed) return
      closed = true
      stopExpiry()
      cancelForget?.()
      commits.flush()
      checkpoints.close()
      held.close()
    },
  }
  return adapter
}

/** Keyv hides a document past its time to live; on disk it would stay until somebody asks. */
function expireEvery(
  intervalMs: number,
  clock: Clock,
  expireSome: () => Promise<number>,
): () => void {
  let stopped = false
  let cancel = () => {}
  const arm = (delayMs: number) => {
    if (!stopped) cancel = clock.setTimer(() => void expire(), delayMs)
  }
  const expire = async () => {
    // A full disk will be told to whoever writes next; deleting can wait.
    const expired = await expireSome().catch(() => 0)
    arm(expired === EXPIRY_ROWS ? 0 : intervalMs)
  }
  arm(0)
  return () => {
    stopped = true
    cancel()
  }
}
