import type { KeyvStoreAdapter } from 'keyv'

/** A document as an adapter receives it: the key with its namespace, the value as text. */
export interface StoredDocument {
  /** `erasure:request:<id>` and so on. */
  readonly key: string
  /** JSON. */
  readonly value: string
  /** Time to live in ms, rounded up; 0 or less: already expired. `undefined`: it never expires. */
  readonly ttl?: number | undefined
}

/** Documents to set and delete together, if one of them has not changed since the caller read it. */
export interface ConditionalWrite {
  /** The document that must not have changed. */
  readonly expected: {
    /** With its namespace. */
    readonly key: string
    /** The text it must still have; `undefined`: it must not exist (it is then among `set`). */
    readonly value: string | undefined
  }
  /** The documents to set, whether or not they exist. */
  readonly set: readonly StoredDocument[]
  /** The keys of the documents to delete, with their namespace. */
  readonly delete: readonly string[]
}

/**
 * A Keyv storage adapter that says what it promises. Any Keyv adapter works. The SDK refuses one
 * that does not declare `durable: true`, unless `allowVolatileStore` is set, because an erasure
 * request that was answered 200 must survive a power cut (promise 1).
 */
export type StoreAdapter = KeyvStoreAdapter & {
  /** Whether a resolved `set` or `setMany` survives a crash of the machine. */
  readonly durable?: boolean
  /** Where the documents are, for error messages: a path, or a database's name. */
  readonly location?: string
  /**
   * Resolves once nothing that was deleted or overwritten before the call is left on disk.
   * @param signal - stops waiting; the adapter keeps trying in the background
   */
  forget?(signal?: AbortSignal): Promise<void>
  /**
   * Compares and writes in one atomic, durable step: all of the write or none of it. A document past
   * its time to live counts as absent, and the adapter deletes it on its own. Without `writeIf`, no
   * other process may use the store.
   * @returns false, without writing anything, if the expected document has changed
   */
  writeIf?(write: ConditionalWrite): Promise<boolean>
}
