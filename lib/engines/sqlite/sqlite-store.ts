import type { DatabaseSync, StatementSync } from 'node:sqlite'

import { type Clock, systemClock } from '../../host/clock.ts'
import type {
  ConditionalWrite,
  StoreAdapter,
  StoredDocument,
} from '../../store/adapter.ts'
import { keyRange } from '../../store/key-range.ts'
import { Checkpointer, tryCheckpoint } from './checkpoint.ts'
import { GroupCommit } from './group-commit.ts'
import { openDatabase, openReadOnly } from './open-database.ts'

/** Where the embedded store lies. */
export interface SqliteStoreOptions {
  /**
   * The database file; made with mode 0600 if missing, and its folder with 0700. SQLite puts
   * `-wal` and `-shm` files beside it, and the lock is a file ending in `.lock`. Must be on a
   * local disk: WAL does not work over a network file system.
   */
  readonly path: string
  /** Read beside the process that writes, as `status` does. Default: false. */
  readonly readOnly?: boolean
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** How many documents an iteration reads before it lets others have the event loop. */
const PAGE_ROWS = 500
/** How often documents past their time to live are deleted. */
const EXPIRY_MS = 60 * 60 * 1000
/** How many of them at once: deleting holds the event loop. */
const EXPIRY_ROWS = 1000

/**
 * Opens the embedded store: a Keyv storage adapter on `node:sqlite`.
 *
 * A resolved write survives a crash of the process, a crash of the operating system, and a power
 * cut, if the disk honours fsync. All writes of one turn of the event loop are one transaction.
 * Nothing deleted stays in the file (`secure_delete`) or, after `forget`, in the log beside it.
 *
 * @throws ErasureError `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_FOREIGN`, or, read-only,
 *   `STORE_MISSING`
 */
export function sqliteStore(options: SqliteStoreOptions): StoreAdapter {
  const { path, readOnly = false, clock = systemClock } = options
  if (typeof path !== 'string' || path === '') {
    throw new TypeError('Expected `path` to be the path of the database file')
  }
  const { database, close } = readOnly ? openReadOnly(path) : openDatabase(path)
  const adapter = createAdapter({ path, database, close, clock, readOnly })
  // What a crash has left between deleting and forgetting: now, or else when it can be.
  if (!readOnly && !tryCheckpoint(database)) void adapter.forget?.()
  return adapter
}

interface AdapterParts {
  readonly path: string
  readonly database: DatabaseSync
  readonly close: () => void
  readonly clock: Clock
  readonly readOnly: boolean
}

function createAdapter(parts: AdapterParts): StoreAdapter {
  const { path, database, clock } = parts
  const sql = prepare(database)
  const commits = new GroupCommit(database)
  const checkpoints = new Checkpointer(database, clock)
  const stopExpiry = parts.readOnly
    ? () => {}
    : expireEvery(EXPIRY_MS, clock, commits, sql)
  let closed = false
  const set = ({ key, value, ttl }: StoredDocument) => {
    sql.set.run(key, value, ttl === undefined ? null : Date.now() + ttl)
    return true
  }
  const remove = (key: string) => sql.delete.run(key).changes > 0
  const adapter: StoreAdapter = {
    durable: true,
    location: path,
    opts: { dialect: 'sqlite' },
    on: () => adapter,
    get: async key => sql.get.get(key)?.['value'] as never,
    has: async key => sql.has.get(key, Date.now()) !== undefined,
    set: (key, value, ttl) => commits.write(() => set({ key, value, ttl })),
    // Keyv's type says nothing comes back; Keyv itself passes on what does.
    setMany: entries => commits.write(() => entries.map(set)) as never,
    delete: key => commits.write(() => remove(key)),
    deleteMany: keys => commits.write(() => keys.map(remove).every(Boolean)),
    writeIf: write =>
      commits.write(() => {
        if (!isAsExpected(sql.get, write.expected)) return false
        for (const document of write.set) set(document)
        for (const key of write.delete) remove(key)
        return true
      }),
    clear() {
      return commits.write(() => void sql.clear.run(...keyRange(this.namespace)))
    },
    iterator: namespace => iterate(sql.page, namespace),
    forget: signal => checkpoints.forget(signal),
    async disconnect() {
      if (closed) return
      closed = true
      stopExpiry()
      commits.flush()
      checkpoints.close()
      parts.close()
    },
  }
  return adapter
}

function prepare(database: DatabaseSync): Record<StatementName, StatementSync> {
  return {
    get: database.prepare('SELECT value, expires FROM document WHERE key = ?'),
    has: database.prepare(
      'SELECT 1 FROM document WHERE key = ? AND (expires IS NULL OR expires > ?)',
    ),
    set: database.prepare(
      'INSERT INTO document VALUES (?, ?, ?) ON CONFLICT (key) ' +
        'DO UPDATE SET value = excluded.value, expires = excluded.expires',
    ),
    delete: database.prepare('DELETE FROM document WHERE key = ?'),
    clear: database.prepare('DELETE FROM document WHERE key >= ? AND key < ?'),
    page: database.prepare(
      `SELECT key, value FROM document WHERE key > ? AND key < ? ORDER BY key LIMIT ${PAGE_ROWS}`,
    ),
    expire: database.prepare(
      'DELETE FROM document WHERE key IN ' +
        `(SELECT key FROM document WHERE expires <= ? ORDER BY expires LIMIT ${EXPIRY_ROWS})`,
    ),
  }
}

type StatementName = 'get' | 'has' | 'set' | 'delete' | 'clear' | 'page' | 'expire'

/** Whether a document is still what was seen. Past its time it is not there, as for Keyv. */
function isAsExpected(
  get: StatementSync,
  { key, value }: ConditionalWrite['expected'],
): boolean {
  const row = get.get(key) as { value: string; expires: number | null } | undefined
  const isPast = row !== undefined && row.expires !== null && Date.now() > row.expires
  return (isPast ? undefined : row?.value) === value
}

/** Pages by key, not by number: rows deleted meanwhile shift nothing. */
async function* iterate(
  page: StatementSync,
  namespace?: string,
): AsyncGenerator<never[]> {
  let [from, to] = keyRange(namespace)
  for (;;) {
    const rows = page.all(from, to) as Array<{ key: string; value: string }>
    for (const { key, value } of rows) yield [key, value] as never[]
    if (rows.length < PAGE_ROWS) return
    from = rows.at(-1)?.key ?? to
    await new Promise(setImmediate)
  }
}

/**
 * Keyv hides a document past its time to live; on disk it would stay until somebody asks.
 * `Date.now` and not the clock, because Keyv writes and reads the times by it.
 */
function expireEvery(
  intervalMs: number,
  clock: Clock,
  commits: GroupCommit,
  sql: Record<StatementName, StatementSync>,
): () => void {
  let stopped = false
  let cancel = () => {}
  const arm = (delayMs: number) => {
    if (!stopped) cancel = clock.setTimer(() => void expire(), delayMs)
  }
  const expire = async () => {
    const { changes } = await commits
      .write(() => sql.expire.run(Date.now()))
      // A full disk will be told to whoever writes next; deleting can wait.
      .catch(() => ({ changes: 0 }))
    arm(Number(changes) === EXPIRY_ROWS ? 0 : intervalMs)
  }
  arm(0)
  return () => {
    stopped = true
    cancel()
  }
}
