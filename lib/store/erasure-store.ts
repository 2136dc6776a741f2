import { ErasureError } from '../errors.ts'
import type { Clock } from '../host/clock.ts'
import type { StoreAdapter } from './adapter.ts'
import { type Change, Documents, type NewDocument } from './documents.ts'
import { documentText, type Seen } from './envelope.ts'
import { Tombstones } from './tombstones.ts'
import type { UserTag } from '../user-seal/user-seal.ts'
import type { RequestId } from '../request/request-id.ts'
import type { ErasureRecord } from '../request/record.ts'
import type { OpenRequest } from '../request/open-request.ts'

const KEY_CHECK = 'meta:key-check'
/** How long the note of a retry waits for its request to be worked on. */
const WORD_MS = 30 * 24 * 60 * 60 * 1000

/** Open requests, tombstones and records, under the names they are kept by. */
export interface ErasureStore {
  /** One durable write: the open request, and the tombstone that makes `isErased` true. */
  accept(request: OpenRequest): Promise<void>
  /** One durable write: a record of a request that was not to be carried out. */
  decline(record: ErasureRecord, recordMs: number): Promise<void>
  load(id: RequestId): Promise<OpenRequest | undefined>
  /**
   * Stores how far a request has come, if it is still as this process has loaded or saved it.
   *
   * @throws ErasureError `REQUEST_TAKEN` if it is not: nothing is written then
   */
  save(next: OpenRequest, previous: OpenRequest): Promise<void>
  /**
   * One durable write: puts the record in the request's place, if the request is still as this
   * process has saved it. Then has the tombstone end after `tombstoneMs`, if this was the last open
   * request of its user.
   *
   * @throws ErasureError `REQUEST_TAKEN`
   */
  finish(
    request: OpenRequest,
    record: ErasureRecord,
    lifetimes: { readonly recordMs: number; readonly tombstoneMs: number },
  ): Promise<void>
  /**
   * Resolves when nothing that was deleted before the call is left on disk, or when `signal` aborts
   * the waiting for that; the store goes on trying by itself.
   */
  forget(signal: AbortSignal): Promise<void>
  /** Open requests, oldest first. */
  openRequests(): AsyncGenerator<OpenRequest>
  records(): AsyncGenerator<ErasureRecord>
  isErased(tag: UserTag): Promise<boolean>
  /** Has an existing tombstone last while the request is open: version 0.1 let it expire. */
  hold(request: OpenRequest): Promise<void>
  /** @returns whether there was a tombstone */
  lift(tag: UserTag): Promise<boolean>
  /** Ends the tombstones of requests that were finished halfway, by a crash or a failing write. */
  releaseOrphans(tombstoneMs: number): Promise<void>
  /** Deletes what is past its time, and repairs what was written under a clock that was ahead. */
  reviewTimes(): Promise<void>
  /**
   * Leaves a note that the handlers' attempts are to be reset. The note expires, because the request
   * may just be finishing, and then no process reads it.
   */
  askRetry(id: RequestId): Promise<void>
  isRetryAsked(id: RequestId): Promise<boolean>
  /** The ids of the requests that have such a note. */
  retriesAsked(): Promise<ReadonlySet<string>>
  clearRetry(id: RequestId): Promise<boolean>
  /** The check value of the key this store was made with, if it was ever used. */
  keyCheck(): Promise<string | undefined>
  /** @returns false, and nothing done, if there is one */
  setKeyCheck(keyCheck: string): Promise<boolean>
  close(): Promise<void>
}

/**
 * Opens the store on a Keyv storage adapter.
 *
 * @throws ErasureError `STORE_VOLATILE` if the adapter does not declare itself durable
 */
export function openErasureStore(
  adapter: StoreAdapter,
  allowVolatileStore: boolean,
  clock: Clock,
): ErasureStore {
  const location = adapter.location ?? 'the store'
  if (adapter.durable !== true && !allowVolatileStore) throw volatileStore(location)
  const documents = new Documents(adapter, location, clock)
  const tombstones = new Tombstones(documents)
  const requests = openRequestDocuments(documents)
  return {
    ...requests,
    ...openRetryWords(documents),
    accept: request =>
      documents.setMany([
        { key: `request:${request.id}`, value: request },
        ...tombstones.held(request),
      ]),
    decline: (record, recordMs) => documents.set(recordDocument(record, recordMs)),
    async finish(request, record, { recordMs, tombstoneMs }) {
      await requests.finish(request, recordDocument(record, recordMs))
      await tombstones.release(request, tombstoneMs)
    },
    forget: async signal => adapter.forget?.(signal),
    records: () => values(documents.all<ErasureRecord>('record')),
    isErased: tag => tombstones.has(tag),
    hold: request => tombstones.hold(request),
    lift: tag => tombstones.lift(tag),
    releaseOrphans: tombstoneMs =>
      tombstones.releaseOrphans(requests.openRequests(), tombstoneMs),
    async reviewTimes() {
      for (const kind of ['tombstone', 'record', 'retry']) {
        await documents.reviewTimes(kind)
      }
    },
    keyCheck: () => documents.get(KEY_CHECK),
    setKeyCheck: keyCheck =>
      documents.change({
        key: KEY_CHECK,
        seen: undefined,
        set: [{ key: KEY_CHECK, value: keyCheck }],
      }),
    close: async () => adapter.disconnect?.(),
  }
}

function recordDocument(record: ErasureRecord, ttlMs: number): NewDocument {
  return { key: `record:${record.requestId}`, value: record, ttlMs }
}

async function* values<Value>(seen: AsyncIterable<Seen<Value>>): AsyncGenerator<Value> {
  for await (const { value } of seen) yield value
}

function volatileStore(location: string): ErasureError {
  return new ErasureError(
    'STORE_VOLATILE',
    `${location} is not marked \`durable\`, so acknowledged requests could be lost. Use ` +
      'sqliteStore, or set `allowVolatileStore: true` (tests only)',
    { store: location },
  )
}

type RequestDocuments = Pick<ErasureStore, 'load' | 'save' | 'openRequests'> & {
  finish(request: OpenRequest, record: NewDocument): Promise<void>
}

type RetryWords = Pick<
  ErasureStore,
  'askRetry' | 'isRetryAsked' | 'retriesAsked' | 'clearRetry'
>

function openRetryWords(documents: Documents): RetryWords {
  return {
    askRetry: id => documents.set({ key: `retry:${id}`, value: true, ttlMs: WORD_MS }),
    isRetryAsked: async id => (await documents.get(`retry:${id}`)) !== undefined,
    async retriesAsked() {
      const asked = new Set<string>()
      for await (const { key } of documents.all('retry'))
        asked.add(key.slice('retry:'.length))
      return asked
    },
    clearRetry: id => documents.delete(`retry:${id}`),
  }
}

/**
 * Requests that are being worked on. A process that was stopped for longer than its lease wakes up in
 * the middle of its work: it must not overwrite what another process did meanwhile.
 */
function openRequestDocuments(documents: Documents): RequestDocuments {
  /** As they were loaded: a store that was restored may have them in another form than ours. */
  const texts = new WeakMap<OpenRequest, string>()
  const changeLast = async (last: OpenRequest, change: Omit<Change, 'key' | 'seen'>) => {
    const seen = texts.get(last) ?? documentText(last)
    if (await documents.change({ key: `request:${last.id}`, seen, ...change })) return
    throw new ErasureError(
      'REQUEST_TAKEN',
      `${last.id}: another process works on this request; what was done here is not stored`,
      { requestId: last.id },
    )
  }
  return {
    async load(id) {
      const seen = await documents.see<OpenRequest>(`request:${id}`)
      if (seen !== undefined) texts.set(seen.value, seen.text)
      return seen?.value
    },
    save: (next, previous) =>
      changeLast(previous, { set: [{ key: `request:${next.id}`, value: next }] }),
    finish: (request, record) =>
      changeLast(request, { set: [record], delete: [`request:${request.id}`] }),
    openRequests: () => values(documents.all<OpenRequest>('request')),
  }
}
