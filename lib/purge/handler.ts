import type { Logger } from '../host/logger.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { RetryOptions } from '../request/transitions.ts'

/** A value that a cursor may have: one that survives `JSON.parse(JSON.stringify(cursor))`. */
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
 * Why a handler keeps items for now: the exceptions of GDPR article 17(3), in order a to e.
 * A code and never free text, because free text may name people.
 */
export type RetainedReason = (typeof RETAINED_REASONS)[number]

/** Items a handler does not remove yet. The SDK calls `purge` again after `until`. */
export interface Retained {
  /** The kind of item, in `lower-case-words`, such as `invoices`. */
  readonly what: string
  /** The exception that allows keeping them. */
  readonly why: RetainedReason
  /** How many items; `verify` may count that many as left. */
  readonly count: number
  /** When to look at them again. */
  readonly until: Date
}

/** What one slice of purging achieved. If `purge` returns nothing, it is done. */
export interface PurgeResult<C extends Json = Json> {
  /** How many items this slice removed. The record keeps only the order of magnitude. */
  readonly removed?: number
  /**
   * A cursor: where the next slice continues. The SDK stores it encrypted and calls `purge` again with
   * it. At most 16 KiB of JSON. Do not use a page number: deleting shifts pages. A handler fails with
   * `PURGE_STALLED` if its cursors repeat while it removes nothing and asks for no wait, or after
   * 10,000 slices that removed nothing; each second a slice asks to wait for offsets one of them. So
   * report `removed`, and search more per slice.
   */
  readonly more?: C
  /**
   * How many milliseconds to wait at least before the next slice; only together with `more`. A wait
   * that ends after the request's due date makes the request overdue at once.
   */
  readonly waitMs?: number
  /** Items the handler does not remove yet. */
  readonly retained?: readonly Retained[]
}

/** The argument of `verify`. */
export interface VerifyContext {
  /** The user being erased. Compare it for equality only; never log it, never store it. */
  readonly userId: UserId
  /** Random, and safe to log. */
  readonly requestId: string
  /**
   * When the request was received, by this machine's clock. Data from a later time belongs to a
   * reactivated account: the handler must neither remove nor count it. Take the times you store from
   * the same clock, or store the earlier of its time and the event's: otherwise a homeserver whose
   * clock is ahead would keep a message from being erased.
   */
  readonly receivedAt: Date
  /** Aborts at the handler's timeout and when the SDK closes. Late answers are ignored. */
  readonly signal: AbortSignal
  /** A logger that removes the user from every line before it writes it. */
  readonly log: Logger
}

/** The argument of `purge`. */
export interface PurgeContext<C extends Json = Json> extends VerifyContext {
  /** The `more` of the slice before; absent in the first slice of a round. */
  readonly cursor?: C
  /** Which attempt at this slice this is; 1 for the first. */
  readonly attempt: number
}

/**
 * Removes a user from one place where the bridge keeps data: a table, a folder, a remote network.
 * The SDK may call it again for work it has already done, so it must be idempotent.
 */
export interface PurgeHandler<C extends Json = Json> {
  /** Does one bounded slice of work. Return `{ more: cursor }` to be called again with `cursor`. */
  purge(context: PurgeContext<C>): Promise<PurgeResult<C> | void>
  /**
   * Counts the items of this user that are left, including those reported as retained. Query in
   * another way than `purge` does, or it proves nothing. Without `verify`, the record says `asserted`
   * instead of `verified`.
   */
  verify?(context: VerifyContext): Promise<number>
  /**
   * Names of handlers that must be confirmed before this one starts: verified twice, `settleMs`
   * apart, and retaining nothing. A handler without `verify` is confirmed `settleMs` after it is done.
   * Name every handler that finds its data by means of what this one removes: the mapping from users
   * to the remote network must go last, or late data cannot be found. Each level takes `settleMs`. A
   * handler waits as long as one that it names retains anything. Default: none.
   */
  readonly after?: readonly string[]
  /** When to try a failed slice again. */
  readonly retry?: Partial<RetryOptions>
  /**
   * How long one call of `purge` or `verify` may take. Default: 60,000 ms. Too low: slices are cut
   * off and repeated. Too high: a call that hangs blocks one of the scheduler's places for that long.
   */
  readonly timeoutMs?: number
}

/** The short form of a handler: only `purge`. */
export type PurgeFunction<C extends Json = Json> = PurgeHandler<C>['purge']
