import type { Database } from '../connection/database.ts'
import { databaseClock, type DatabaseClock } from '../connection/database-clock.ts'
import type {
  ConditionalWrite,
  StoreAdapter,
  StoredDocument,
} from '../../../store/adapter.ts'
import { checkTables, withRights } from '../connection/check-server.ts'
import { explainFailure } from '../connection/explain-failure.ts'
import { checkSchema } from '../connection/schema-name.ts'
import { keyRange } from '../../../store/key-range.ts'
import { expireHourly } from './expire.ts'
import { checkMigrated, migrate } from './migrate.ts'
import { createReads, type FoundDocument } from './reads.ts'
import { clearStatement, PAGE_ROWS, pageStatement } from './store-statements.ts'
import { createWrites, type Write, type WriteAnswer } from './writes.ts'

/** Where the store lies. */
export interface PostgresStoreOptions {
  /** Closed by `disconnect`: the store is what the SDK closes last. */
  readonly database: Database
  /**
   * The schema of our tables, made if missing: a small letter or `_`, then up to 39 of these
   * or digits. Default: `matrix_appservice_erasure`.
   */
  readonly schema?: string | undefined
  /** Measured when the store opens. Default: the database's. */
  readonly clock?: DatabaseClock
  /** What else must be ready before anything is written, such as the queue's tables. */
  readonly prepareMore?: () => Promise<void>
  /** Read beside the processes that write, as `status` does. Default: false. */
  readonly readOnly?: boolean
}

/**
 * A Keyv storage adapter on PostgreSQL, for any number of processes.
 *
 * A resolved write survives a crash of the process, of PostgreSQL and of its host, if the disk honours
 * fsync. All writes of one turn of the event loop, or that arrive while earlier writes are under way,
 * are one statement. A write that rejects may have been carried out.
 *
 * Opens on first use, which creates or migrates the tables. If that fails, the next use tries again. It
 * has no `forget`: PostgreSQL keeps deleted rows in its table until it is vacuumed, and in its log
 * until that is recycled. User IDs are always sealed in it.
 *
 * Calls reject with ErasureError `STORE_FOREIGN`, `STORE_FORBIDDEN`, `STORE_POOLED` or
 * `STORE_VOLATILE` if the schema or the server cannot be used, `STORE_UNREADABLE` if it cannot be
 * opened, `STORE_MISSING` if it is to be read and is not there, `CLOSED` after `disconnect`, and
 * else with errors of pg.
 *
 * @throws TypeError if `schema` is not such a name
 */
export function postgresStore(options: PostgresStoreOptions): StoreAdapter {
  const { database, schema = 'matrix_appservice_erasure' } = options
  checkSchema(schema)
  const { clock = databaseClock(database), readOnly = false, prepareMore } = options
  return documentAdapter(
    new DocumentTable({ database, schema, clock, readOnly, prepareMore }),
  )
}

function documentAdapter(table: DocumentTable): StoreAdapter {
  const set = async (documents: readonly StoredDocument[]) => {
    await table.write({ set: documents, delete: [] })
    return documents.map(() => true)
  }
  const remove = async (keys: readonly string[]) => {
    const { removed } = await table.write({ set: [], delete: keys })
    return removed === new Set(keys).size
  }
  const adapter: StoreAdapter = {
    durable: true,
    location: table.location,
    opts: { dialect: 'postgres', url: table.location },
    on: () => adapter,
    get: async key => (await table.read(key))?.value as never,
    getMany: async keys =>
      (await Promise.all(keys.map(key => table.read(key)))).map(
        found => found?.value,
      ) as never,
    has: async key => (await table.read(key))?.live === true,
    set: async (key, value, ttl) => (await set([{ key, value, ttl }]))[0],
    // Keyv's type says nothing comes back; Keyv itself passes on what does.
    setMany: entries => set(entries) as never,
    delete: key => remove([key]),
    deleteMany: keys => remove(keys),
    writeIf: async write => (await table.write(check(write))).done,
    clear() {
      return table.clear(...keyRange(this.namespace))
    },
    iterator: namespace =>
      table.iterate(...keyRange(namespace)) as AsyncGenerator<never[]>,
    disconnect: () => table.close(),
  }
  return adapter
}

function check(write: ConditionalWrite): ConditionalWrite {
  const { expected, set } = write
  if (expected.value === undefined && !set.some(({ key }) => key === expected.key)) {
    throw new TypeError('Expected a document that must not exist to be among `set`')
  }
  return write
}

interface TableParts {
  readonly database: Database
  readonly schema: string
  readonly clock: DatabaseClock
  readonly readOnly: boolean
  readonly prepareMore: (() => Promise<void>) | undefined
}

class DocumentTable {
  readonly location: string
  readonly #parts: TableParts
  readonly #writes: ReturnType<typeof createWrites>
  readonly #reads: ReturnType<typeof createReads>
  #opening: Promise<void> | undefined
  #isOpen = false
  #closing: Promise<void> | undefined
  #stopExpiry = async () => {}

  constructor(parts: TableParts) {
    const { database, schema } = parts
    this.location = database.location
    this.#parts = parts
    this.#writes = createWrites(database, schema)
    this.#reads = createReads(database, schema)
  }

  async write(write: Write): Promise<WriteAnswer> {
    if (this.#parts.readOnly) throw new Error('The store was opened for reading')
    if (write.set.some(({ ttl }) => Number.isNaN(ttl)))
      throw new TypeError('Expected `ttl` to be a number of milliseconds')
    if (!this.#isOpen) await this.#open()
    return this.#writes.add(write)
  }

  async read(key: string): Promise<FoundDocument | undefined> {
    if (!this.#isOpen) await this.#open()
    return this.#reads.add(key)
  }

  async clear(from: string, to: string): Promise<void> {
    await this.#open()
    // What was written before is to go, too.
    await this.#writes.idle()
    const { database, schema } = this.#parts
    await database.query(clearStatement(schema), [from, to])
  }

  /** Pages by key, not by number: rows deleted meanwhile shift nothing. */
  async *iterate(from: string, to: string): AsyncGenerator<[string, string]> {
    await this.#open()
    const { database, schema } = this.#parts
    const statement = pageStatement(schema)
    let last = from
    for (;;) {
      const { rows } = await database.query<{ key: string; value: string }>(statement, [
        last,
        to,
      ])
      for (const { key, value } of rows) yield [key, value]
      if (rows.length < PAGE_ROWS) return
      last = rows.at(-1)?.key ?? to
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => {})
    await Promise.all([this.#writes.idle(), this.#reads.idle(), this.#stopExpiry()])
    await this.#parts.database.close()
  }

  /** Shared by all concurrent callers. If it fails, the next call tries again. */
  #open(): Promise<void> {
    this.#opening ??= this.#prepare().catch((error: unknown) => {
      this.#opening = undefined
      throw explainFailure(this.location, error)
    })
    return this.#opening
  }

  async #prepare(): Promise<void> {
    const { database, schema, clock, readOnly } = this.#parts
    if (readOnly) await checkMigrated(database, schema)
    else {
      await withRights(database, schema, () => migrate(database, schema))
      await checkTables(database, schema)
      await this.#parts.prepareMore?.()
    }
    await clock.sync()
    this.#isOpen = true
    if (this.#closing === undefined && !readOnly) {
      this.#stopExpiry = expireHourly(database, schema, clock)
    }
  }
}
