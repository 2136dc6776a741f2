import { ErasureError } from '../errors.ts'
import type { Clock } from '../host/clock.ts'
import type { StoreAdapter } from './adapter.ts'
import { Documents, type NewDocument } from './documents.ts'
import { openRequestWords } from './request-words.ts'
import { openRequestDocuments, recordDocument, values } from './request-documents.ts'
import { reportedDocument, SourceDocuments } from './source-documents.ts'
import { Tombstones } from './tombstones.ts'
import type { UserTag } from '../user-seal/user-seal.ts'
import type { RequestId } from '../request/request-id.ts'
import type { ErasureRecord } from '../request/record.ts'
import type { OpenRequest } from '../request/open-request.ts'

const KEY_CHECK = 'meta:key-check'

/** Open requests, tombstones and records, under the names they are kept by. */
export interface ErasureStore {
  /** One durable write: the open request, and the tombstone that makes `isErased` true. */
  accept(request: OpenRequest): Promise<void>
  /**
   * The same for a user whom a source has found, together with the note that it has.
   *
   * @returns false, and nothing done, if the source has reported the user before
   */
  acceptReported(request: OpenRequest, source: string): Promise<boolean>
  /** One durable write: a record of a request that was not to be carried out. */
  decline(record: ErasureRecord, recordMs: number): Promise<void>
  /**
   * The same for a user whom a source has found, together with the note that it has.
   *
   * @returns false, and nothing done, if the source has reported the user before
   */
  declineReported(
    record: ErasureRecord,
    recordMs: number,
    source: string,
    tag: UserTag,
  ): Promise<boolean>
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
   * One durable write: puts the record in the place of a request on which no work has begun, if the
   * request is still as this process has loaded it. Then removes the tombstone, unless another open
   * request of its user holds it.
   *
   * @throws ErasureError `REQUEST_TAKEN`
   */
  withdraw(request: OpenRequest, record: ErasureRecord, recordMs: number): Promise<void>
  /**
   * Resolves when nothing that was deleted before the call is left on disk, or when `signal` aborts
   * the waiting for that; the store goes on trying by itself.
   */
  forget(signal: AbortSignal): Promise<void>
  /** Open requests, oldest first. */
  openRequests(): AsyncGenerator<OpenRequest>
  /** The open requests of one user. Reads only those. */
  openRequestsOf(tag: UserTag): AsyncGenerator<OpenRequest>
  records(): AsyncGenerator<ErasureRecord>
  isErased(tag: UserTag): Promise<boolean>
  /** Those of these users who are erased: one read, if the adapter can. */
  findErased(tags: readonly UserTag[]): Promise<ReadonlySet<UserTag>>
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
  /**
   * The ids of the requests that an operator wants to have withdrawn, and has told so by
   * `withdrawalLetter`.
   */
  withdrawalsAsked(): AsyncGenerator<RequestId>
  isWithdrawalAsked(id: RequestId): Promise<boolean>
  clearWithdrawal(id: RequestId): Promise<boolean>
  /** The documents of sources. */
  readonly sources: SourceDocuments
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
  const requests = openRequestDocuments(documents, tombstones)
  return {
    ...requests,
    ...openRequestWords(documents),
    ...openFirstWrites(documents, tombstones),
    sources: new SourceDocuments(documents),
    forget: async signal => adapter.forget?.(signal),
    records: () => values(documents.all<ErasureRecord>('record')),
    isErased: tag => tombstones.has(tag),
    findErased: tags => tombstones.among(tags),
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

function volatileStore(location: string): ErasureError {
  return new ErasureError(
    'STORE_VOLATILE',
    `${location} is not marked \`durable\`, so acknowledged requests could be lost. Use ` +
      'sqliteStore, or set `allowVolatileStore: true` (tests only)',
    { store: location },
  )
}

type FirstWrites = Pick<
  ErasureStore,
  'accept' | 'acceptReported' | 'decline' | 'declineReported'
>

function openFirstWrites(documents: Documents, tombstones: Tombstones): FirstWrites {
  const accepted = (request: OpenRequest) => [
    { key: `request:${request.id}`, value: request },
    ...tombstones.held(request),
  ]
  /** The note comes last: where writes are single, a request must not be lost because of it. */
  const report = (source: string, tag: UserTag, others: readonly NewDocument[]) => {
    const note = reportedDocument(source, tag)
    return documents.change({ key: note.key, seen: undefined, set: [...others, note] })
  }
  return {
    accept: request => documents.setMany(accepted(request)),
    acceptReported: (request, source) => report(source, request.tag, accepted(request)),
    decline: (record, recordMs) => documents.set(recordDocument(record, recordMs)),
    declineReported: (record, recordMs, source, tag) =>
      report(source, tag, [recordDocument(record, recordMs)]),
  }
}
