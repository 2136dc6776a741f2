import type { HandlerErrorCode, HandlerProgress, OpenRequest } from './open-request.ts'
import type { RetryOptions } from '../purge/handler.ts'
import type { HandlerPlan, RegisteredHandler } from '../purge/handler-plan.ts'
import type { CheckedResult } from '../purge/check-result.ts'

/** How often a blocked handler is tried again without being asked. */
export const BLOCKED_RETRY_MS: number = 24 * 60 * 60 * 1000

/** What to do next about a request. */
export type Step =
  | { readonly kind: 'purge' | 'verify' | 'confirm'; readonly handler: RegisteredHandler }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'retain'; readonly until: number }
  | { readonly kind: 'finish' }

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

/**
 * Decides the next step from what is stored alone, so that a crash between any two steps
 * changes nothing. A handler settles when it has purged and, if it can verify, was found empty;
 * `settleMs` after the last one has settled, all that can verify must be found empty again.
 */
export function nextStep(
  request: OpenRequest,
  plan: HandlerPlan,
  now: number,
  settleMs: number,
): Step {
  const retainUntil = request.retainUntil ?? now
  if (retainUntil > now) return { kind: 'wait', until: retainUntil }
  const unsettled = plan.filter(
    ({ name }) => progressOf(request, name).settledAt === undefined,
  )
  const steps = unsettled
    .filter(({ after }) => !unsettled.some(other => after.includes(other.name)))
    .map(handler => handlerStep(request, handler, now))
  const missing = missingHandlers(request, plan).map(({ notBefore }) => notBefore)
  if (unsettled.length + missing.length > 0) return soonest(steps, missing)
  return confirmStep(request, plan, now, settleMs)
}

function handlerStep(
  request: OpenRequest,
  handler: RegisteredHandler,
  now: number,
): Step {
  const { notBefore, purged } = progressOf(request, handler.name)
  if (notBefore > now) return { kind: 'wait', until: notBefore }
  return { kind: purged ? 'verify' : 'purge', handler }
}

/** The first step that can be taken now, or else the wait that ends first. */
function soonest(steps: readonly Step[], waits: readonly number[]): Step {
  const ready = steps.find(step => step.kind !== 'wait')
  if (ready !== undefined) return ready
  const ends = steps.flatMap(step => (step.kind === 'wait' ? [step.until] : []))
  return { kind: 'wait', until: Math.min(...ends, ...waits) }
}

function confirmStep(
  request: OpenRequest,
  plan: HandlerPlan,
  now: number,
  settleMs: number,
): Step {
  const progress = plan.map(({ name }) => progressOf(request, name))
  const lastSettledAt = Math.max(...progress.map(({ settledAt = now }) => settledAt))
  const open = plan.filter(
    ({ handler, name }) => handler.verify && !progressOf(request, name).confirmed,
  )
  if (open.length > 0) {
    const settledUntil = lastSettledAt + settleMs
    if (settledUntil > now) return { kind: 'wait', until: settledUntil }
    return soonest(
      open.map(handler => {
        const { notBefore } = progressOf(request, handler.name)
        return notBefore > now
          ? { kind: 'wait', until: notBefore }
          : { kind: 'confirm', handler }
      }),
      [],
    )
  }
  const until = progress.flatMap(({ retained }) => retained.map(item => item.until))
  return until.length > 0
    ? { kind: 'retain', until: Math.min(...until) }
    : { kind: 'finish' }
}

/** A slice of purging went well. */
export function slicePurged(
  progress: HandlerProgress,
  result: CheckedResult,
  sealedCursor: string | undefined,
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

/** Progress of handlers that have worked on the request and are not registered any more. */
function missingHandlers(request: OpenRequest, plan: HandlerPlan): HandlerProgress[] {
  const known = new Set(plan.map(handler => handler.name))
  return Object.entries(request.handlers).flatMap(([name, progress]) =>
    known.has(name) ? [] : [progress],
  )
}
