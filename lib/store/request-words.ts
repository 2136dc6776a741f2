import type { RequestId } from '../request/request-id.ts'
import type { StoredDocument } from './adapter.ts'
import { type Documents, namespaced } from './documents.ts'
import { documentText } from './envelope.ts'
import type { ErasureStore } from './erasure-store.ts'

/** How long the note of a retry waits for its request to be worked on. */
const WORD_MS = 30 * 24 * 60 * 60 * 1000

type RequestWords = Pick<
  ErasureStore,
  | 'askRetry'
  | 'isRetryAsked'
  | 'retriesAsked'
  | 'clearRetry'
  | 'withdrawalsAsked'
  | 'isWithdrawalAsked'
  | 'clearWithdrawal'
>

/** What an operator wants to have done about a request. */
export function openRequestWords(documents: Documents): RequestWords {
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
    async *withdrawalsAsked() {
      if (!(await documents.takeIn())) return
      for await (const { key } of documents.all('withdrawal'))
        yield key.slice(withdrawalKey('').length) as RequestId
    },
    async isWithdrawalAsked(id) {
      if (!(await documents.takeIn())) return false
      return (await documents.get(withdrawalKey(id))) !== undefined
    },
    clearWithdrawal: id => documents.delete(withdrawalKey(id)),
  }
}

/** What a program that cannot write the store leaves beside it to have a request withdrawn. */
export function withdrawalLetter(id: RequestId): StoredDocument {
  return { key: namespaced(withdrawalKey(id)), value: documentText(true) }
}

function withdrawalKey(id: string): string {
  return `withdrawal:${id}`
}
