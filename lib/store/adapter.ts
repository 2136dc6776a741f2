import type { KeyvStoreAdapter } from 'keyv'

/** A document as an adapter is handed it: the key with its namespace, the value as text. */
export interface StoredDocument {
  /** `erasure:request:<id>` and so on. */
  readonly key: string
  /** JSON. */
  readonly value: string
  /** In ms from now, rounded up; 0 or less: past at once. `undefined`: it stays. */
  readonly ttl?: number | undefined
}

/** Documents to set and delete together, if one of them is still what the caller has seen. */
export interface ConditionalWrite {
  /** The document that must not have changed. */
  readonly expected: {
    /** With its namespace. */
    readonly key: string
    /** The text it must still have; `undefined`: it must not exist (it is then among `set`). */
    readonly value: string | undefined
  }
  /** What to set, whether or not it exists. */
  readonly set: readonly StoredDocument[]
  /** The keys of what to delete, with their namespace. */
  readonly delete: readonly string[]
}

/**
 * A Keyv storage adapter that says what it promises. Any Keyv adapter works; one that does not
 * declare `durable: true` is refused unless `allowVolatileStore` is set, because an erasure
 * request that was answered 200 must survive a power cut (promise 1).
 */
export type StoreAdapter = KeyvStoreAdapter & {
  /** Whether a resolved `set` or `setMany` survives a crash of the machine. */
  readonly durable?: boolean
  /** Where the documents lie, for error messages: a path, or a database's name. */
  readonly location?: string
  /**
   * Resolves once nothing that was deleted or overwritten before the call is left on disk.
   * @param signal - stops waiting; the adapter goes on trying by itself
   */
  forget?(signal?: AbortSignal): Promise<void>
  /**
   * Does all of a write or nothing, durably, compared and written as one. A document past its
   * time to live counts as absent, and the adapter deletes it by itself. Without this, no other
   * process may use the store.
   * @returns false, and nothing done, if the expected document has changed
   */
  writeIf?(write: ConditionalWrite): Promise<boolean>
}
