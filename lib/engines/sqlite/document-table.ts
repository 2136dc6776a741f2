import type { DatabaseSync, StatementSync } from 'node:sqlite'

import type { ConditionalWrite, StoredDocument } from '../../store/adapter.ts'
import { keyRange } from '../../store/key-range.ts'
import type { StoreDatabase } from './held-database.ts'

/** How many documents an iteration reads before it lets others have the event loop. */
const PAGE_ROWS = 500
/** How many documents are expired at once: deleting holds the event loop. */
export const EXPIRY_ROWS = 1000

/** The documents in the database. Whatever changes them must run in a transaction. */
export class DocumentTable {
  readonly #held: StoreDatabase
  readonly #now: () => number
  #prepared: { readonly for: DatabaseSync; readonly sql: Statements } | undefined
  #hasDeleted = false

  /** @param now - milliseconds since the Unix epoch */
  constructor(held: StoreDatabase, now: () => number) {
    this.#held = held
    this.#now = now
  }

  get(key: string): string | undefined {
    return this.#sql.get.get(key)?.['value'] as string | undefined
  }

  has(key: string): boolean {
    return this.#sql.has.get(key, this.#now()) !== undefined
  }

  /** A document that lives for no time at all is deleted. */
  set({ key, value, ttl }: StoredDocument): true {
    if (ttl !== undefined && !Number.isFinite(ttl))
      throw new TypeError('Expected `ttl` to be a number of milliseconds')
    if (ttl !== undefined && ttl <= 0) this.delete(key)
    else
      this.#sql.set.run(
        key,
        value,
        ttl === undefined ? null : this.#now() + Math.ceil(ttl),
      )
    return true
  }

  /** @returns whether there was one */
  delete(key: string): boolean {
    return this.#noteDeleted(this.#sql.delete.run(key)) > 0
  }

  writeIf({ expected, set, delete: gone }: ConditionalWrite): boolean {
    if (!this.#isAsExpected(expected)) return false
    for (const document of set) this.set(document)
    for (const key of gone) this.delete(key)
    return true
  }

  clear(namespace: string | undefined): void {
    this.#noteDeleted(this.#sql.clear.run(...keyRange(namespace)))
  }

  /** Deletes up to {@link EXPIRY_ROWS} documents past their time. @returns how many */
  expire(): number {
    return this.#noteDeleted(this.#sql.expire.run(this.#now()))
  }

  /** Whether anything was deleted since the last call. */
  takeDeleted(): boolean {
    const had = this.#hasDeleted
    this.#hasDeleted = false
    return had
  }

  /** Pages by key, not by number: rows deleted meanwhile shift nothing. */
  async *iterate(namespace?: string): AsyncGenerator<[key: string, value: string]> {
    let [from, to] = keyRange(namespace)
    for (;;) {
      const rows = this.#sql.page.all(from, to) as Array<{ key: string; value: string }>
      for (const { key, value } of rows) yield [key, value]
      if (rows.length < PAGE_ROWS) return
      from = rows.at(-1)?.key ?? to
      await new Promise(setImmediate)
    }
  }

  /** Whether a document is still what was seen. Past its time it is not there, as for Keyv. */
  #isAsExpected({ key, value }: ConditionalWrite['expected']): boolean {
    const row = this.#sql.get.get(key) as
      { value: string; expires: number | null } | undefined
    const isPast = row !== undefined && row.expires !== null && this.#now() >= row.expires
    return (isPast ? undefined : row?.value) === value
  }

  #noteDeleted({ changes }: { readonly changes: number | bigint }): number {
    if (changes > 0) this.#hasDeleted = true
    return Number(changes)
  }

  /** Statements belong to a connection, and the connection changes when the files were lost. */
  get #sql(): Statements {
    const { database } = this.#held
    if (this.#prepared?.for !== database)
      this.#prepared = { for: database, sql: prepare(database) }
    return this.#prepared.sql
  }
}

type Statements = Record<
  'get' | 'has' | 'set' | 'delete' | 'clear' | 'page' | 'expire',
  StatementSync
>

function prepare(database: DatabaseSync): Statements {
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
