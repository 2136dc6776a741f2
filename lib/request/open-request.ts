import type { Sealed, UserTag } from '../user-seal/user-seal.ts'
import type { RequestId } from './request-id.ts'

/** Why a purge handler's last step failed. A code, since an error's text may name the user. */
export type HandlerErrorCode =
  | 'HANDLER_MISSING'
  | 'PURGE_FAILED'
  | 'PURGE_INVALID'
  | 'PURGE_STALLED'
  | 'PURGE_TIMEOUT'
  | 'VERIFY_FAILED'
  | 'VERIFY_FOUND'
  | 'VERIFY_INVALID'
  | 'VERIFY_TIMEOUT'

/** Items a purge handler keeps for now, as stored. Times are milliseconds since the epoch. */
export interface StoredRetained {
  readonly what: string
  readonly why: string
  readonly count: number
  readonly until: number
}

/** How far one purge handler has come with one request. */
export interface HandlerProgress {
  /** `purge` has said it is done, and nothing was found left since. */
  readonly purged: boolean
  /** When `verify` last found nothing; without `verify`, when `purge` said it was done. */
  readonly settledAt?: number
  /** Found empty again, `settleMs` after the last handler had settled. */
  readonly confirmed: boolean
  /** Failures in a row at the current step. */
  readonly failures: number
  /** How often `verify` found something left, or something new. */
  readonly rounds: number
  /** Not to be called before this time. */
  readonly notBefore: number
  /** Out of attempts: tried again daily, and by `retry`. */
  readonly blocked: boolean
  /** Why the last step failed; absent after a step that did not. */
  readonly code?: HandlerErrorCode
  /** Where `purge` wants to go on, sealed. */
  readonly cursor?: Sealed
  /** Items removed so far. */
  readonly removed: number
  readonly retained: readonly StoredRetained[]
}

/** An acknowledged erasure request that is not finished. The user is only ever sealed in it. */
export interface OpenRequest {
  readonly id: RequestId
  /** The user's keyed pseudonym: requests of one user are never worked on at the same time. */
  readonly tag: UserTag
  /** The user ID, sealed and bound to `id`. */
  readonly sealed: Sealed
  readonly receivedAt: number
  /**
   * How often work on it has begun: whoever loaded it before the last time can write no more.
   * Requests stored by version 0.1 have none, which is 0.
   */
  readonly turn?: number
  readonly handlers: Readonly<Record<string, HandlerProgress>>
  /** Set while the only thing left to do is to come back for what handlers retain. */
  readonly retainUntil?: number
  /** Set when the sealed user ID does not open: nothing can be done until a person looks. */
  readonly broken?: boolean
}

/** States an open request is seen in; `erased` and `declined` are states of records. */
export type OpenRequestState =
  'accepted' | 'purging' | 'settling' | 'retaining' | 'blocked'

/** The state a request is in, read off its handlers. `blocked` hides every other. */
export function requestState(request: OpenRequest): OpenRequestState {
  const handlers = Object.values(request.handlers)
  if (request.broken || handlers.some(handler => handler.blocked)) return 'blocked'
  if (request.retainUntil !== undefined) return 'retaining'
  if (handlers.length === 0) return 'accepted'
  return handlers.every(handler => handler.settledAt !== undefined)
    ? 'settling'
    : 'purging'
}

/** States a handler is seen in while its request is open. */
export type HandlerState =
  'pending' | 'purging' | 'retrying' | 'purged' | 'verified' | 'retained' | 'blocked'

/** The state a handler is in, read off its progress. */
export function handlerState(progress: HandlerProgress): HandlerState {
  if (progress.blocked) return 'blocked'
  if (progress.confirmed) return progress.retained.length > 0 ? 'retained' : 'verified'
  if (progress.failures > 0 || (progress.rounds > 0 && !progress.purged))
    return 'retrying'
  if (progress.purged) return 'purged'
  return progress.cursor === undefined ? 'pending' : 'purging'
}
