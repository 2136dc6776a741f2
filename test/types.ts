// Compile-only: nothing here runs, the assertion is that `tsc -p test` takes it. The package is
// imported by name, so that this is what a bridge author's compiler sees. A line below
// `@ts-expect-error` must not compile.
import {
  type Accepted,
  createErasure,
  type Erasure,
  type ErasureStatus,
  inProcessScheduler,
  isErasureError,
  parseUserId,
  type PurgeHandler,
  type RequestId,
  type Scheduler,
  type StoreAdapter,
  type UserTag,
} from 'matrix-appservice-erasure'
import { attachErasure } from 'matrix-appservice-erasure/bridge'
import { eraseRouter, listen } from 'matrix-appservice-erasure/koa'
import { postgresEngine } from 'matrix-appservice-erasure/postgres'
import { sqliteStore } from 'matrix-appservice-erasure/sqlite'
import {
  schedulerConformance,
  storeConformance,
  testPurgeHandler,
} from 'matrix-appservice-erasure/testing'

import type { OpenRequest } from '../lib/request/open-request.ts'
import type { ErasureStore } from '../lib/store/erasure-store.ts'
import type { UserSeal } from '../lib/user-seal/user-seal.ts'

const userId = parseUserId('@bob:example.org')
declare const seal: UserSeal
declare const request: OpenRequest
declare const documents: ErasureStore
declare const scheduler: Scheduler
declare const requestId: RequestId

/** Promise 4: what a queue or a file is given is a pseudonym or sealed, and never a user ID. */
export function keepsUserIdsIn(): void {
  const tag: UserTag = seal.tag(userId)
  void scheduler.schedule(requestId, new Date(), tag)
  // @ts-expect-error a queue is not told the user
  void scheduler.schedule(requestId, new Date(), userId)
  // @ts-expect-error nor by the way of the id
  void scheduler.schedule(userId, new Date(), tag)
  // @ts-expect-error a tag is not an id
  void scheduler.schedule(tag, new Date(), tag)
  // @ts-expect-error what is sealed is not a user ID
  const first: OpenRequest = { ...request, sealed: userId }
  // @ts-expect-error nor a tag
  const second: OpenRequest = { ...request, tag: userId }
  // @ts-expect-error a tombstone goes by the tag
  void documents.isErased(userId)
  // @ts-expect-error a tag opens nothing
  seal.unseal(tag, requestId)
  void [first, second]
}

/** A user ID is checked before it counts as one. */
export function knowsUserIds(): void {
  // @ts-expect-error only a checked user ID has a tag
  seal.tag('@bob:example.org')
  const text: string = userId
  void text
}

/** What a bridge author writes. */
export async function usesTheSdk(store: StoreAdapter): Promise<Accepted> {
  const erasure: Erasure = await createErasure({
    registration: 'registration.yaml',
    key: new Uint8Array(32),
    store,
    scheduler: inProcessScheduler({ concurrency: 2 }),
    allow: user => user.endsWith(':example.org'),
  })
  erasure.onUserErase('short', async ({ userId: user }) => void user)
  erasure.onUserErase('typed', {
    purge: async ({ cursor = 0 }: { cursor?: number }) => ({ more: cursor + 1 }),
    verify: async ({ userId: user }) => user.length,
    after: ['short'],
    retry: { attempts: 3 },
  })
  erasure.onUserErase('wrong', {
    // @ts-expect-error free text is no reason to retain something
    purge: async () => ({
      retained: [{ what: 'x', why: 'we like it', count: 1, until: new Date() }],
    }),
  })
  // @ts-expect-error a Date cannot be a cursor: it does not survive JSON
  const dates: PurgeHandler<Date> = { purge: async () => {} }
  void dates
  const status: ErasureStatus = await erasure.status()
  const [open] = status.open
  if (open !== undefined) await erasure.retry(open.requestId)
  return erasure.accept('@bob:example.org')
}

/** A door, an engine, the testing tools: their public import paths stay. */
export const surface: readonly unknown[] = [
  attachErasure,
  eraseRouter,
  listen,
  postgresEngine,
  sqliteStore,
  testPurgeHandler,
  storeConformance,
  schedulerConformance,
  isErasureError,
]

/** A code brings the facts of the error with it. */
export function knowsTheFacts(error: unknown): string | undefined {
  if (!isErasureError(error)) return undefined
  // @ts-expect-error not every error is about a file
  void error.file
  if (isErasureError(error, 'KEY_MISSING')) return error.file
  switch (error.code) {
    case 'HANDLER_ORDER':
      return error.handlers.join(', ')
    case 'STORE_LOCKED':
      return error.store
    default:
      return error.message
  }
}
