import { ErasureError } from '../errors.ts'
import type { StoreAdapter } from './adapter.ts'
import { type Change, Documents, documentText, type Seen } from './documents.ts'
import type { UserTag } from '../user-seal/user-seal.ts'
import type { RequestId } from '../request/request-id.ts'
import type { ErasureRecord } from '../request/record.ts'
import type { OpenRequest } from '../request/open-request.ts'

const KEY_CHECK = 'meta:key-check'

/** Open requests, tombstones and records, under the names they are kept by. */
export interface ErasureStore {
  /** One durable write: the open request, and the tombstone that makes `isErased` true. */
  accept(request: OpenRequest, tombstoneMs: number): Promise<void>
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
   * process has saved it. Resolves when nothing of the request is left on disk, or when
   * `signal` aborts the waiting for that.
   *
   * @throws ErasureError `REQUEST_TAKEN`
   */
  finish(
    record: ErasureRecord,
    recordMs: number,
    request: OpenRequest,
    signal: AbortSignal,
  ): Promise<void>
  /** Open requests, oldest first. */
  openRequests(): AsyncGenerator<OpenRequest>
  records(): AsyncGenerator<ErasureRecord>
  isErased(tag: UserTag): Promise<boolean>
  /** Makes an existing tombstone last `tombstoneMs` from now; one that was lifted stays lifted. */
  renewTombstone(tag: UserTag, tombstoneMs: number): Promise<void>
  /** @returns whether there was a tombstone */
  lift(tag: UserTag): Promise<boolean>
  /**
   * Leaves word that the request's handlers get their attempts back. The word lasts `wordMs`,
   * since the request may just be finishing, and then nobody takes it.
   */
  askRetry(id: RequestId, wordMs: number): Promise<void>
  isRetryAsked(id: RequestId): Promise<boolean>
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
): ErasureStore {
  const location = adapter.location ?? 'the store'
  if (adapter.durable !== true && !allowVolatileStore) throw volatileStore(location)
  const documents = new Documents(adapter, location)
  const requests = openRequestDocuments(documents)
  return {
    ...requests,
    accept: (request, tombstoneMs) =>
      documents.setMany([
        { key: `request:${request.id}`, value: request },
        { key: `tombstone:${request.tag}`, value: request.receivedAt, ttl: tombstoneMs },
      ]),
    decline: (record, recordMs) =>
      documents.set(`record:${record.requestId}`, record, recordMs),
    async finish(record, recordMs, request, signal) {
      await requests.finish(record, recordMs, request)
      await adapter.forget?.(signal)
    },
    records: () => documents.all('record'),
    isErased: async tag => (await documents.get(`tombstone:${tag}`)) !== undefined,
    async renewTombstone(tag, tombstoneMs) {
      const key = `tombstone:${tag}`
      await changeSeen<number>(documents, key, ({ value }) => ({
        set: { key, value, ttl: tombstoneMs },
      }))
    },
    lift: tag =>
      changeSeen(documents, `tombstone:${tag}`, () => ({ delete: `tombstone:${tag}` })),
    askRetry: (id, wordMs) => documents.set(`retry:${id}`, true, wordMs),
    isRetryAsked: async id => (await documents.get(`retry:${id}`)) !== undefined,
    clearRetry: id => documents.delete(`retry:${id}`),
    keyCheck: () => documents.get(KEY_CHECK),
    setKeyCheck: keyCheck =>
      documents.change({
        key: KEY_CHECK,
        seen: undefined,
        set: { key: KEY_CHECK, value: keyCheck },
      }),
    close: async () => adapter.disconnect?.(),
  }
}

function volatileStore(location: string): ErasureError {
  return new ErasureError(
    'STORE_VOLATILE',
    `${location} does not say that it is durable: an acknowledged request could be lost; use ` +
      'sqliteStore, or set allowVolatileStore if losing requests is acceptable, as in a test',
    { store: location },
  )
}

type RequestDocuments = Pick<ErasureStore, 'load' | 'save' | 'openRequests'> & {
  finish(record: ErasureRecord, recordMs: number, request: OpenRequest): Promise<void>
}

/**
 * Requests that are being worked on. A process that was stopped for longer than its scheduler
 * waited wakes up in the middle of its work: it must not write over what another did meanwhile.
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
      changeLast(previous, { set: { key: `request:${next.id}`, value: next } }),
    finish: (record, recordMs, request) =>
      changeLast(request, {
        set: { key: `record:${record.requestId}`, value: record, ttl: recordMs },
        delete: `request:${request.id}`,
      }),
    openRequests: () => documents.all('request'),
  }
}

/**
 * Changes a document if there is one; again, if somebody else has changed it meanwhile.
 *
 * @returns whether there was one
 */
async function changeSeen<Value>(
  documents: Documents,
  key: string,
  change: (seen: Seen<Value>) => Omit<Change, 'key' | 'seen'>,
): Promise<boolean> {
  let refused: string | undefined
  for (;;) {
    const seen = await documents.see<Value>(key)
    // Refused and still the same: past its time for the adapter, whose clock is not ours.
    if (seen === undefined || seen.text === refused) return false
    if (await documents.change({ key, seen: seen.text, ...change(seen) })) return true
    refused = seen.text
  }
}
