import type { Sealed } from '../user-seal/user-seal.ts'
import type { IdleSlices } from './idle-slices.ts'
import type { PlannedHandler } from './next-step.ts'
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
   * Default: 8. Too low: a short outage needs an operator. Too high: a broken handler goes unnoticed.
   */
  readonly attempts: number
  /** The upper bound of the first delay; it doubles with each failure. Default: 1,000 ms. */
  readonly baseMs: number
  /** The upper bound of every delay. Default: 3,600,000 ms (one hour). */
  readonly capMs: number
}

/** What a slice of purging achieved, as checked. */
export interface SliceResult {
  readonly removed: number
  readonly waitMs: number
  readonly retained: readonly StoredRetained[]
  /** Where to go on, sealed; absent when it is done. */
  readonly cursor?: Sealed | undefined
  /** Slices that removed nothing, this one included. */
  readonly idle?: IdleSlices | undefined
}

/** A handler that has not been called yet. */
export function freshProgress(now: number): HandlerProgress {
  return {
    purged: false,
    failures: 0,
    rounds: 0,
    notBefore: now,
    blocked: false,
    removed: 0,
    progressAt: now,
    retained: [],
  }
}

/** A slice of purging went well. */
export function slicePurged(
  progress: HandlerProgress,
  { removed, waitMs, retained, cursor, idle }: SliceResult,
  now: number,
  verifies: boolean,
): HandlerProgress {
  const { code: _code, cursor: _cursor, idle: _idle, ...rest } = progress
  const next = {
    ...unsettled(rest),
    ...(removed > 0 ? { progressAt: now } : {}),
    failures: 0,
    blocked: false,
    notBefore: now + Math.ceil(waitMs),
    removed: progress.removed + removed,
    retained: [...progress.retained, ...retained],
  }
  if (cursor !== undefined) return { ...next, cursor, ...(idle ? { idle } : {}) }
  const purged = { ...next, purged: true, notBefore: now }
  return verifies ? purged : { ...purged, settledAt: now, asserted: true }
}

/** `verify` found nothing but what is retained: for the first time since `purge`, or again. */
export function foundEmpty(progress: HandlerProgress, now: number): HandlerProgress {
  const { code: _code, ...rest } = progress
  const next = { ...rest, failures: 0, blocked: false, notBefore: now }
  return progress.settledAt === undefined
    ? { ...next, settledAt: now }
    : { ...next, confirmedAt: now }
}

/** `verify` found something: purge again from the start, later each time. */
export function foundLeft(
  progress: HandlerProgress,
  retry: RetryOptions,
  now: number,
): HandlerProgress {
  const { cursor: _cursor, idle: _idle, ...rest } = progress
  const rounds = progress.rounds + 1
  return {
    ...unsettled(rest),
    purged: false,
    retained: [],
    failures: 0,
    rounds,
    code: 'VERIFY_FOUND',
    ...pause(rounds, retry, now),
  }
}

function unsettled(progress: HandlerProgress): HandlerProgress {
  const { settledAt: _at, asserted: _asserted, confirmedAt: _again, ...rest } = progress
  return rest
}

/** The handler is to purge again from the start, and has failed at nothing. */
export function startOver(progress: HandlerProgress, now: number): HandlerProgress {
  const { removed, progressAt = now } = progress
  return { ...freshProgress(now), removed, progressAt: Math.min(progressAt, now) }
}

/** It must be found empty once more before it counts as confirmed. */
function unconfirmed(progress: HandlerProgress): HandlerProgress {
  const { confirmedAt: _confirmedAt, ...rest } = progress
  return rest
}

/**
 * `verify` of the handler `name` found something. Handlers that come after it start over, because their
 * data may have come back as well. If the handler had settled, something came back. The handlers it
 * comes after find their data by what it removes, so they are verified again before it purges again.
 *
 * @param plan - each handler behind those it comes after
 */
export function othersAfterFind(
  request: OpenRequest,
  name: string,
  plan: readonly PlannedHandler[],
  now: number,
): OpenRequest['handlers'] {
  const behind = new Set([name])
  const before = new Set([name])
  for (const { name: other, after } of plan) {
    if (after.some(first => behind.has(first))) behind.add(other)
  }
  for (const { name: other, after } of plan.toReversed()) {
    if (before.has(other)) for (const first of after) before.add(first)
  }
  const cameBack = progressOf(request, name).settledAt !== undefined
  const handlers = Object.entries(request.handlers).map(([other, progress]) => {
    if (other === name) return [other, progress] as const
    if (behind.has(other)) return [other, startOver(progress, now)] as const
    const isNamed = cameBack && before.has(other)
    return [other, isNamed ? unconfirmed(progress) : progress] as const
  })
  return Object.fromEntries(handlers)
}

/** A call failed: the same step again, later each time. */
export function failed(
  progress: HandlerProgress,
  code: HandlerErrorCode,
  retry: RetryOptions,
  now: number,
): HandlerProgress {
  const failures = progress.failures + 1
  const { idle, ...rest } = progress
  const paused = pause(failures, retry, now)
  // Tomorrow the same cursors may come again: the handler may have been repaired by then.
  const counted = idle === undefined || paused.blocked ? {} : { idle }
  return { ...rest, ...counted, failures, code, ...paused }
}

/** The operator asked for a retry: every handler that waits after a failure may run at once. */
export function retried(progress: HandlerProgress, now: number): HandlerProgress {
  if (progress.code === undefined) return progress
  const { code: _code, idle: _idle, ...rest } = progress
  return { ...rest, failures: 0, rounds: 0, blocked: false, notBefore: now }
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
  return known ?? freshProgress(0)
}
