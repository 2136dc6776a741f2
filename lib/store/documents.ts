import { Keyv } from 'keyv'

import { ErasureError, isErasureError } from '../errors.ts'
import type { Clock } from '../host/clock.ts'
import type { StoreAdapter, StoredDocument } from './adapter.ts'
import { isPast, openEnvelope, type Seen, sealEnvelope } from './envelope.ts'

/** Our part of the adapter's keys: `erasure:request:<id>` and so on. */
const NAMESPACE = 'erasure'

/** A document to be written. */
export interface NewDocument {
  readonly key: string
  readonly value: unknown
  /** How long it is there; without it, until it is deleted. With 0 or less it is not written. */
  readonly ttlMs?: number
}

/** What to write if the document under `key` is still what was seen. */
export interface Change {
  readonly key: string
  /** `undefined` if there was none. */
  readonly seen: string | undefined
  readonly set?: readonly NewDocument[]
  /** The keys of documents to delete. */
  readonly delete?: readonly string[]
}

/**
 * JSON documents in Keyv, without two of Keyv's habits. It hides errors: 5.6 resolves `false` for a
 * failed write unless told to throw, 6.1 even if told. So only `true` counts as a successful write: a
 * hidden error would be a false 200. And it uses its own clock: here, the SDK's clock decides when a
 * document has expired. Adapters are told its time to live, so that they delete it then.
 */
export class Documents {
  readonly #keyv: Keyv<string>
  readonly #adapter: StoreAdapter
  readonly #location: string
  readonly #clock: Clock
  /** The last change, for adapters without `writeIf`: they come one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(adapter: StoreAdapter, location: string, clock: Clock) {
    this.#adapter = adapter
    this.#location = location
    this.#clock = clock
    this.#keyv = new Keyv({
      store: adapter,
      namespace: NAMESPACE,
      throwOnErrors: true,
      // Our text as it is: Keyv would put the time of its own clock beside it.
      serialize: ({ value }) => value as string,
      deserialize: text => ({ value: text as never }),
    })
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    return (await this.see<Value>(key))?.value
  }

  /**
   * Reads a document together with its text. From the adapter, because Keyv keeps to itself what
   * an adapter makes of a text.
   */
  async see<Value>(key: string): Promise<Seen<Value> | undefined> {
    const seen = await this.#read(async () =>
      openEnvelope<Value>(await this.#adapter.get(namespaced(key))),
    )
    return seen === undefined || isPast(seen, this.#clock.now()) ? undefined : seen
  }

  async set(document: NewDocument): Promise<void> {
    const stored = this.#stored(document)
    if (stored === undefined) return void (await this.delete(document.key))
    const { value, ttl } = stored
    const answer = await this.#write(() => this.#keyv.set(document.key, value, ttl))
    if (answer !== true) throw this.#unwritable()
  }

  /** One write, if the adapter can; else one each. */
  async setMany(documents: readonly NewDocument[]): Promise<void> {
    const entries = documents.flatMap(document => {
      const stored = this.#stored(document)
      if (stored === undefined) return []
      const { value, ttl } = stored
      return [{ key: document.key, value, ...(ttl !== undefined && { ttl }) }]
    })
    const answer: unknown = await this.#write(() => this.#keyv.setMany(entries))
    const isWritten =
      Array.isArray(answer) &&
      answer.length === entries.length &&
      answer.every(one => one === true)
    if (!isWritten) throw this.#unwritable()
  }

  /** @returns whether there was such a document */
  delete(key: string): Promise<boolean> {
    return this.#write(() => this.#keyv.delete(key))
  }

  /**
   * Sets and deletes documents, durably and all of them or none, if the one under `key` is still
   * what was seen. On an adapter without `writeIf`, that holds only within this process, and a crash in
   * between leaves the documents that were to be deleted.
   *
   * @returns false, and nothing done, if it has changed
   */
  async change(change: Change): Promise<boolean> {
    const set = (change.set ?? []).flatMap(document => this.#stored(document) ?? [])
    const gone = (change.set ?? []).filter(({ ttlMs = 1 }) => ttlMs <= 0)
    const write = {
      expected: { key: namespaced(change.key), value: change.seen },
      set,
      delete: [...(change.delete ?? []), ...gone.map(({ key }) => key)].map(namespaced),
    }
    const written: unknown = await this.#write(async () =>
      this.#adapter.writeIf === undefined
        ? this.#changeInTurn(change)
        : this.#adapter.writeIf(write),
    )
    if (typeof written !== 'boolean') throw this.#unwritable()
    return written
  }

  /** All documents of one kind, in key order where the adapter keeps one. */
  async *all<Value>(
    kind: string,
  ): AsyncGenerator<Seen<Value> & { readonly key: string }> {
    for await (const document of this.#iterate<Value>(kind)) {
      if (!isPast(document, this.#clock.now())) yield document
    }
  }

  /**
   * Deletes expired documents, for adapters that do not. If a document was written while the clock was
   * ahead, gives it its original time to live from now on, so that it does not stay for years.
   */
  async reviewTimes(kind: string): Promise<void> {
    for await (const { key, text, value, expires, ttl } of this.#iterate(kind)) {
      const now = this.#clock.now()
      if (expires !== undefined && expires <= now) {
        // Those with `writeIf` do it by themselves: another process may just write it anew.
        if (this.#adapter.writeIf === undefined) await this.delete(key)
      } else if (expires !== undefined && ttl !== undefined && expires > now + ttl) {
        await this.change({ key, seen: text, set: [{ key, value, ttlMs: ttl }] })
      }
    }
  }

  async *#iterate<Value>(
    kind: string,
  ): AsyncGenerator<Seen<Value> & { readonly key: string }> {
    if (this.#adapter.iterator === undefined) throw this.#unreadable()
    try {
      for await (const [key, raw] of this.#adapter.iterator<string>(namespaced(kind))) {
        const seen = openEnvelope<Value>(raw)
        const plain = String(key).slice(NAMESPACE.length + 1)
        if (seen !== undefined) yield { ...seen, key: plain }
      }
    } catch (error) {
      throw this.#unreadable(error)
    }
  }

  /** Changes run one after the other: what one has read is true until it has written. */
  #changeInTurn({ key, seen, set = [], delete: gone = [] }: Change): Promise<boolean> {
    const turn = this.#turn.then(async () => {
      if ((await this.see(key))?.text !== seen) return false
      // Set first: if anything happens in between, the change is made again, and nothing is lost.
      for (const document of set) await this.set(document)
      for (const each of gone) await this.delete(each)
      return true
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** `undefined` for what is past its time at once. */
  #stored({ key, value, ttlMs }: NewDocument): StoredDocument | undefined {
    if (ttlMs !== undefined && ttlMs <= 0) return undefined
    const { text, ttl } = sealEnvelope(value, ttlMs, this.#clock.now())
    return { key: namespaced(key), value: text, ...(ttl !== undefined && { ttl }) }
  }

  async #read<Answer>(read: () => Promise<Answer>): Promise<Answer> {
    try {
      return await read()
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

  /** An error of the adapter that already has one of our codes says more, so it is kept. */
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

function namespaced(key: string): string {
  return `${NAMESPACE}:${key}`
}
