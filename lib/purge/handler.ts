import type { Logger } from '../host/logger.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { RetryOptions } from '../request/transitions.ts'

/** What a cursor may be made of: whatever survives `JSON.parse(JSON.stringify(cursor))`. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Every {@link RetainedReason}. */
export const RETAINED_REASONS = [
  'freedom-of-expression',
  'legal-obligation',
  'public-health',
  'archiving',
  'legal-claims',
] as const

/**
 * Why items are kept for now: the exceptions of GDPR article 17(3), in order a to e.
 * A code and never free text, because texts name people.
 */
export type RetainedReason = (typeof RETAINED_REASONS)[number]

/** Items a handler does not remove yet. Its `purge` is called again once `until` has passed. */
export interface Retained {
  /** A kind of item in the handler's own words, as `lower-case-words`: `invoices`. */
  readonly what: string
  /** The exception that allows it. */
  readonly why: RetainedReason
  /** How many there are; `verify` may find as many. */
  readonly count: number
  /** When to look at them again. */
  readonly until: Date
}

/** What a slice of purging achieved. Nothing returned means done. */
export interface PurgeResult<C extends Json = Json> {
  /** Items removed by this slice; for the record, in orders of magnitude. */
  readonly removed?: number
  /**
   * Where to go on: `purge` is called again with it. Stored sealed; at most 16 KiB of JSON. Not
   * a page number: deleting shifts pages. Cursors that go round while nothing is removed and no
   * wait is asked for have failed (`PURGE_STALLED`), and so has a handler after 10,000 slices that
   * removed nothing; each second a slice asks to wait for takes one of them away. So report
   * `removed`, and search more at a time.
   */
  readonly more?: C
  /**
   * Call again no earlier than this many milliseconds from now; only together with `more`. A wait
   * that ends after the request's term makes it overdue at once.
   */
  readonly waitMs?: number
  /** Items it does not remove yet. */
  readonly retained?: readonly Retained[]
}

/** What `verify` is told. */
export interface VerifyContext {
  /** The person being erased. Compare for equality only; never log it, never store it. */
  readonly userId: UserId
  /** Random, and safe to log. */
  readonly requestId: string
  /**
   * When the request was received, by this machine's clock. Whatever happened to the user later
   * belongs to a reactivated account and is not the handler's to remove or count. Store times by
   * the same clock, or the smaller of the event's and this: a homeserver's clock that is ahead
   * must not save a message from its erasure.
   */
  readonly receivedAt: Date
  /** Aborts at the handler's timeout and when the SDK closes. Late answers are ignored. */
  readonly signal: AbortSignal
  /** Takes the user out of every line before it is written. */
  readonly log: Logger
}

/** What `purge` is told. */
export interface PurgeContext<C extends Json = Json> extends VerifyContext {
  /** What the last slice returned as `more`; absent on the first slice of a round. */
  readonly cursor?: C
  /** 1 for the first try at this slice. */
  readonly attempt: number
}

/**
 * What a bridge does about one erasure request in one place: a table, a folder, a remote
 * network. It may be called again for work it has done, so it must be idempotent.
 */
export interface PurgeHandler<C extends Json = Json> {
  /** One bounded slice of work. Return `{ more: cursor }` to be called again with it. */
  purge(context: PurgeContext<C>): Promise<PurgeResult<C> | void>
  /**
   * How many items of this user are left, those reported as retained included. Ask in another
   * way than `purge` does, or it proves nothing. Without it the handler's work is recorded as
   * `asserted`, not `verified`.
   */
  verify?(context: VerifyContext): Promise<number>
  /**
   * Names of handlers that must be confirmed before this one starts: verified twice, `settleMs`
   * apart, and retaining nothing. One without `verify` counts as confirmed `settleMs` after it was
   * done. Name all that find their data by what this one removes: the mapping from users to the
   * remote network goes last, or late data cannot be found. Each level takes `settleMs`; what a
   * handler retains keeps those that name it waiting until it is gone. Default: none.
   */
  readonly after?: readonly string[]
  /** When a failed slice is tried again. */
  readonly retry?: Partial<RetryOptions>
  /**
   * How long one call of `purge` or `verify` may take. Default: 60,000 ms. Too low: slices are
   * cut off and done again. Too high: a call that hangs holds one of the scheduler's places.
   */
  readonly timeoutMs?: number
}

/** The short form of a handler: only `purge`. */
export type PurgeFunction<C extends Json = Json> = PurgeHandler<C>['purge']
