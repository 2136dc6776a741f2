import type { Sealed } from '../user-seal/user-seal.ts'
import type {
  HandlerErrorCode,
  HandlerProgress,
  OpenRequest,
  StoredRetained,
} from './open-request.ts'

/** How often a blocked handler is tried again without being asked. */
export const BLOCKED_RETRY_MS: number = 24 * 60 * 60 * 1000

/** When a failed slice is tried again: full jitter under an exponential backoff. */
export interface RetryOptions {
  /**
   * Failures in a row, or rounds that left something behind, before the handler is `blocked`.
   * Default: 8. Too low: a short outage needs a person. Too high: a broken handler hides.
   */
  readonly attempts: number
  /** Upper bound of the first delay, doubled with each failure. Default: 1,000 ms. */
  readonly baseMs: number
  /** Upper bound of any delay. Default: 3,600,000 ms (an hour). */
  readonly capMs: number
}

/** What a slice of purging achieved, as checked. */
export interface SliceResult {
  readonly removed: number
  readonly waitMs: number
  readonly retained: readonly StoredRetained[]
}

/** A handler that has not been called yet. */
export function freshProgress(now: number): HandlerProgress {
  return {
    purged: false,
    confirmed: false,
    failures: 0,
    rounds: 0,
    notBefore: now,
    blocked: false,
    removed: 0,
    retained: [],
  }
}

/** A slice of purging went well. */
export function slicePurged(
  progress: HandlerProgress,
  result: SliceResult,
  sealedCursor: Sealed | undefined,
  now: number,
  verifies: boolean,
): HandlerProgress {
  const { code: _code, cursor: _cursor, settledAt: _settledAt, ...rest } = progress
  const next = {
    ...rest,
    failures: 0,
    blocked: false,
    notBefore: now + Math.ceil(result.waitMs),
    removed: progress.removed + result.removed,
    retained: [...progress.retained, ...result.retained],
  }
  if (sealedCursor !== undefined) return { ...next, cursor: sealedCursor }
  const purged = { ...next, purged: true, notBefore: now }
  return verifies ? purged : { ...purged, settledAt: now }
}

/** `verify` found nothing but what is retained. */
export function foundEmpty(
  progress: HandlerProgress,
  now: number,
  confirms: boolean,
): HandlerProgress {
  const { code: _code, ...rest } = progress
  const next = { ...rest, failures: 0, blocked: false, notBefore: now }
  return confirms ? { ...next, confirmed: true } : { ...next, settledAt: now }
}

/** `verify` found something: purge again from the start, later each time. */
export function foundLeft(
  progress: HandlerProgress,
  retry: RetryOptions,
  now: number,
): HandlerProgress {
  const { settledAt: _settledAt, cursor: _cursor, ...rest } = progress
  const rounds = progress.rounds + 1
  return {
    ...rest,
    purged: false,
    confirmed: false,
    retained: [],
    failures: 0,
    rounds,
    code: 'VERIFY_FOUND',
    ...pause(rounds, retry, now),
  }
}

/** A call failed: the same step again, later each time. */
export function failed(
  progress: HandlerProgress,
  code: HandlerErrorCode,
  retry: RetryOptions,
  now: number,
): HandlerProgress {
  const failures = progress.failures + 1
  return { ...progress, failures, code, ...pause(failures, retry, now) }
}

/** Somebody asked for another try: every handler that is waiting after a failure may go at once. */
export function retried(progress: HandlerProgress, now: number): HandlerProgress {
  if (progress.code === undefined) return progress
  const { code: _code, ...rest } = progress
  return { ...rest, failures: 0, rounds: 0, blocked: false, notBefore: now }
}

/** Time has come to look again at what a handler retained. */
export function retentionOver(progress: HandlerProgress, now: number): HandlerProgress {
  if (progress.retained.length > 0)
    return { ...freshProgress(now), removed: progress.removed }
  return { ...progress, confirmed: false }
}

function pause(
  count: number,
  retry: RetryOptions,
  now: number,
): { blocked: boolean; notBefore: number } {
  if (count >= retry.attempts) return { blocked: true, notBefore: now + BLOCKED_RETRY_MS }
  const ceilingMs = Math.min(retry.capMs, retry.baseMs * 2 ** (count - 1))
  return { blocked: false, notBefore: now + Math.ceil(Math.random() * ceilingMs) }
}

/** The progress of a handler, which is fresh for one that was registered later. */
export function progressOf(request: OpenRequest, name: string): HandlerProgress {
  // Own properties only: a handler may be named `constructor`.
  const known = Object.hasOwn(request.handlers, name) ? request.handlers[name] : undefined
  return known ?? freshProgress(request.receivedAt)
}
