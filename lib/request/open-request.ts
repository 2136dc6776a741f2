import type { IdleSlices } from './idle-slices.ts'
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
  /** When `verify` first found nothing after that; without `verify`, when `purge` was done. */
  readonly settledAt?: number
  /** It has settled on its own word, without `verify`. */
  readonly asserted?: boolean
  /** When `verify` last found nothing again, `settleMs` after `settledAt` or later. */
  readonly confirmedAt?: number
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
  /** Since when nothing was removed. Version 0.1 did not store it. */
  readonly progressAt?: number
  /** Slices in a row that removed nothing and did not wait for it; absent for none. */
  readonly idle?: IdleSlices
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
   * How often a process has begun to work on the request. A process that loaded it before the last
   * time can no longer write. Version 0.1 called it `turn`; what it stored is read as 0.
   */
  readonly claims?: number
  /**
   * When work on the request was last stored, by the clock at that time: if it is in the future, the
   * clock was wrong. Absent before the first time, and in what version 0.1 stored.
   */
  readonly workedAt?: number
  /** The user's tombstone waits for this request. Requests stored by version 0.1 do not say so. */
  readonly held?: boolean
  readonly handlers: Readonly<Record<string, HandlerProgress>>
  /** Set when the sealed user ID cannot be opened: the request waits until an operator looks at it. */
  readonly broken?: boolean
}

/** The states an open request can be in; `erased` and `declined` are states of records. */
export type OpenRequestState =
  'accepted' | 'purging' | 'settling' | 'retaining' | 'blocked'

/** The state of a request, derived from its handlers. `blocked` hides every other state. */
export function requestState(request: OpenRequest): OpenRequestState {
  const handlers = Object.values(request.handlers)
  const states = handlers.map(handlerState)
  if (request.broken || states.includes('blocked')) return 'blocked'
  if (states.length === 0) return 'accepted'
  // What has not begun while others have settled comes after them.
  const begun = handlers.filter((_, index) => states[index] !== 'pending')
  if (begun.length === 0 || begun.some(({ settledAt }) => settledAt === undefined))
    return 'purging'
  const isRetaining = states.includes('retained')
  return isRetaining && begun.every(isConfirmed) ? 'retaining' : 'settling'
}

/** Whether nothing is to be verified about a handler but what the others make necessary. */
function isConfirmed({ asserted, confirmedAt }: HandlerProgress): boolean {
  return asserted === true || confirmedAt !== undefined
}

/** The states a handler can be in while its request is open. */
export type HandlerState =
  'pending' | 'purging' | 'retrying' | 'purged' | 'verified' | 'retained' | 'blocked'

/** The state of a handler, derived from its progress. */
export function handlerState(progress: HandlerProgress): HandlerState {
  const { asserted, blocked, cursor, failures, purged, retained, rounds } = progress
  if (blocked) return 'blocked'
  if (isConfirmed(progress)) {
    if (retained.length > 0) return 'retained'
    return asserted ? 'purged' : 'verified'
  }
  if (failures > 0 || (rounds > 0 && !purged)) return 'retrying'
  if (purged) return 'purged'
  return cursor === undefined ? 'pending' : 'purging'
}
