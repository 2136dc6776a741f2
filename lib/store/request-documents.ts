import { ErasureError } from '../errors.ts'
import type { OpenRequest } from '../request/open-request.ts'
import type { ErasureRecord } from '../request/record.ts'
import type { RequestId } from '../request/request-id.ts'
import type { Change, Documents, NewDocument } from './documents.ts'
import { documentText, type Seen } from './envelope.ts'
import type { ErasureStore } from './erasure-store.ts'
import type { Tombstones } from './tombstones.ts'

type RequestDocuments = Pick<
  ErasureStore,
  'load' | 'save' | 'finish' | 'withdraw' | 'openRequests' | 'openRequestsOf'
>

/** The record of a finished request, as it is stored. */
export function recordDocument(record: ErasureRecord, ttlMs: number): NewDocument {
  return { key: `record:${record.requestId}`, value: record, ttlMs }
}

/** The values of documents. */
export async function* values<Value>(
  seen: AsyncIterable<Seen<Value>>,
): AsyncGenerator<Value> {
  for await (const { value } of seen) yield value
}

/**
 * Requests that are being worked on. A process that was stopped for longer than its lease wakes up in
 * the middle of its work: it must not overwrite what another process did meanwhile.
 */
export function openRequestDocuments(
  documents: Documents,
  tombstones: Tombstones,
): RequestDocuments {
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
  /** Puts other documents in the request's place. */
  const replace = (request: OpenRequest, set: readonly NewDocument[]) =>
    changeLast(request, { set, delete: [`request:${request.id}`] })
  const load = async (id: RequestId) => {
    const seen = await documents.see<OpenRequest>(`request:${id}`)
    if (seen !== undefined) texts.set(seen.value, seen.text)
    return seen?.value
  }
  return {
    load,
    save: (next, previous) =>
      changeLast(previous, { set: [{ key: `request:${next.id}`, value: next }] }),
    async finish(request, record, { recordMs, tombstoneMs }) {
      await replace(request, [recordDocument(record, recordMs)])
      await tombstones.release(request, tombstoneMs)
    },
    async withdraw(request, record, recordMs) {
      const left = tombstones.withdrawn(request)
      await replace(request, [recordDocument(record, recordMs), left])
      await tombstones.undo(request)
    },
    openRequests: () => values(documents.all<OpenRequest>('request')),
    async *openRequestsOf(tag) {
      for await (const id of tombstones.holders(tag)) {
        const request = await load(id)
        if (request !== undefined) yield request
      }
    },
  }
}
