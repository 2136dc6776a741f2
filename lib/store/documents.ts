import { Keyv } from 'keyv'

import { ErasureError, isErasureError } from '../errors.ts'
import type { StoreAdapter, StoredDocument } from './adapter.ts'

/** Keyv's name for all our documents; adapters see keys as `erasure:request:<id>` and so on. */
const NAMESPACE = 'erasure'

/** A document to be written. */
export interface Entry {
  readonly key: string
  readonly value: unknown
  /** In ms from now; without it, or with 0, the document stays. */
  readonly ttl?: number
}

/** A document as it was read. */
export interface Seen<Value> {
  readonly value: Value
  /** Letter by letter as it is stored: what a change is compared with. */
  readonly text: string
}

/** What to write if the document under `key` is still what was seen. */
export interface Change {
  readonly key: string
  /** `undefined` if there was none. */
  readonly seen: string | undefined
  readonly set?: Entry
  /** The key of a document to delete. */
  readonly delete?: string
}

/**
 * Keyv without its habit of hiding errors: 5.6 resolves `false` for a failed write unless
 * told to throw, and 6.1 whatever it is told. A swallowed error would be a false 200, so
 * `true` is the only answer taken for a write.
 */
export class Documents {
  readonly #keyv: Keyv
  readonly #adapter: StoreAdapter
  readonly #location: string
  /** The last change of each document that is being changed, for adapters without `writeIf`. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(adapter: StoreAdapter, location: string) {
    this.#adapter = adapter
    this.#location = location
    this.#keyv = new Keyv({
      store: adapter,
      namespace: NAMESPACE,
      throwOnErrors: true,
      // Our documents are plain JSON; Keyv's own serializer looks for Buffers in every value.
      serialize: data => JSON.stringify(data),
      deserialize: data => JSON.parse(data),
    })
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    return (await this.see<Value>(key))?.value
  }

  /**
   * Reads a document together with its text. From the adapter, because Keyv keeps the text to
   * itself, and deletes what it finds past its time: another process may have written it anew.
   */
  async see<Value>(key: string): Promise<Seen<Value> | undefined> {
    const seen = await this.#read<Value>(key)
    if (seen === undefined) return undefined
    const { expires, ...document } = seen
    if (typeof expires !== 'number' || Date.now() <= expires) return document
    // Adapters that know only Keyv leave it to Keyv; those with `writeIf` do it by themselves.
    if (this.#adapter.writeIf === undefined) await this.delete(key)
    return undefined
  }

  async set(key: string, value: unknown, ttl?: number): Promise<void> {
    const stored = await this.#write(() => this.#keyv.set(key, value, ttl))
    if (stored !== true) throw this.#unwritable()
  }

  async setMany(entries: Entry[]): Promise<void> {
    const stored: unknown = await this.#write(() => this.#keyv.setMany(entries))
    if (!Array.isArray(stored) || stored.length !== entries.length)
      throw this.#unwritable()
    if (!stored.every(answer => answer === true)) throw this.#unwritable()
  }

  /** @returns whether there was such a document */
  delete(key: string): Promise<boolean> {
    return this.#write(() => this.#keyv.delete(key))
  }

  /**
   * Sets and deletes documents, durably and all of them or none, if the one under `key` is still
   * what was seen. On an adapter without `writeIf`: as far as this process is concerned, and a
   * crash in between leaves what is to be deleted.
   *
   * @returns false, and nothing done, if it has changed
   */
  async change(change: Change): Promise<boolean> {
    if (this.#adapter.writeIf === undefined) return this.#changeInTurn(change)
    const { key, seen, set, delete: gone } = change
    const write = {
      expected: { key: namespaced(key), value: seen },
      set: set === undefined ? [] : [storedDocument(set)],
      delete: gone === undefined ? [] : [namespaced(gone)],
    }
    const written: unknown = await this.#write(async () => this.#adapter.writeIf?.(write))
    if (typeof written !== 'boolean') throw this.#unwritable()
    return written
  }

  /**
   * All documents of one kind, in key order where the adapter keeps one. Asks the adapter,
   * because Keyv's own iterator walks a whole namespace: a million tombstones to find one request.
   */
  async *all<Value>(kind: string): AsyncGenerator<Value> {
    if (this.#adapter.iterator === undefined) throw this.#unreadable()
    try {
      for await (const [, raw] of this.#adapter.iterator<string>(namespaced(kind))) {
        const data = await this.#keyv.deserializeData<Value>(raw ?? '')
        if (data?.value !== undefined) yield data.value
      }
    } catch (error) {
      throw this.#unreadable(error)
    }
  }

  /** Changes of one document run one after the other: what one has read is true until it has written. */
  async #changeInTurn({ key, seen, set, delete: gone }: Change): Promise<boolean> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(async () => {
      if ((await this.see(key))?.text !== seen) return false
      // Set first: whatever happens in between, the change is made again, and nothing is lost.
      if (set !== undefined) await this.set(set.key, set.value, set.ttl)
      if (gone !== undefined) await this.delete(gone)
      return true
    })
    const ended = turn.catch(() => {})
    this.#turns.set(key, ended)
    try {
      return await turn
    } finally {
      if (this.#turns.get(key) === ended) this.#turns.delete(key)
    }
  }

  async #read<Value>(key: string): Promise<(Seen<Value> & Expiring) | undefined> {
    try {
      const raw: unknown = await this.#adapter.get(namespaced(key))
      if (raw === undefined || raw === null) return undefined
      // Some adapters take the text apart by themselves.
      const text = typeof raw === 'string' ? raw : JSON.stringify(raw)
      const data = await this.#keyv.deserializeData<Value>(text)
      if (data?.value === undefined) return undefined
      return { value: data.value, text, expires: data.expires }
    } catch (error) {
      throw this.#unreadable(error)
    }
  }

  async #write<Answer>(write: () => Promise<Answer>): Promise<Answer> {
    try {
      return await write()
    } catch (error) {
      throw this.#unwritable(error)
    }
  }

  /** What the adapter says in our own codes, of a store that is not ours perhaps, says more. */
  #unwritable(cause?: unknown): ErasureError {
    if (isErasureError(cause)) return cause
    return new ErasureError(
      'STORE_UNWRITABLE',
      `${this.#location} could not be written; look for a full disk or missing permissions`,
      { store: this.#location, cause },
    )
  }

  #unreadable(cause?: unknown): ErasureError {
    if (isErasureError(cause)) return cause
    return new ErasureError('STORE_UNREADABLE', `${this.#location} could not be read`, {
      store: this.#location,
      cause,
    })
  }
}

interface Expiring {
  /** Milliseconds since the Unix epoch, by `Date.now`, as Keyv has it. */
  readonly expires: number | null | undefined
}

/** The text of a document without a time to live, as it is stored. */
export function documentText(value: unknown): string {
  return JSON.stringify({ value })
}

function namespaced(key: string): string {
  return `${NAMESPACE}:${key}`
}

/** A document as Keyv would hand it to the adapter, so that both ways of writing store the same. */
function storedDocument({ key, value, ttl = 0 }: Entry): StoredDocument {
  if (ttl === 0) return { key: namespaced(key), value: documentText(value) }
  const text = JSON.stringify({ value, expires: Date.now() + ttl })
  return { key: namespaced(key), value: text, ttl }
}
