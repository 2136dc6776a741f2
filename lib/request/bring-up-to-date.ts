import { isDeepStrictEqual } from 'node:util'

import { nextStep, type PlannedHandler, retentionEnd } from './next-step.ts'
import type { HandlerProgress, OpenRequest } from './open-request.ts'
import { BLOCKED_RETRY_MS, freshProgress, retried, startOver } from './transitions.ts'

/** How far clocks may differ, or be set back, without harm: waits only become that much longer. */
const CLOCK_SLACK_MS = 60_000

/**
 * Applies to a stored request what changed while no process worked on it: handlers added or removed,
 * a `verify` added or removed, a retention that ended, a clock that was wrong, a retry that was asked
 * for.
 */
export function bringUpToDate(
  stored: OpenRequest,
  plan: readonly PlannedHandler[],
  retry: boolean,
  now: number,
  settleMs: number,
): OpenRequest {
  const timely = clockWasWrong(stored, now) ? waitAnew(stored, now) : stored
  const { broken: _broken, ...rest } = endRetentions(timely, now, settleMs)
  const handlers: Record<string, HandlerProgress> = {}
  for (const [name, progress] of Object.entries(rest.handlers)) {
    const handler = plan.find(planned => planned.name === name)
    if (handler === undefined) {
      handlers[name] = missing(progress, now)
    } else {
      const isBack = progress.code === 'HANDLER_MISSING'
      const current = retry || isBack ? retried(progress, now) : progress
      handlers[name] = handler.verifies ? canVerify(current) : cannotVerify(current, now)
    }
  }
  for (const { name } of plan) {
    if (!Object.hasOwn(stored.handlers, name)) handlers[name] = freshProgress(now)
  }
  return { ...rest, handlers }
}

/**
 * Whether work on the request was stored at a time in the future: either the clock was wrong then, and
 * so are the stored times, or it is wrong now. Version 0.1 did not store that time.
 */
function clockWasWrong({ workedAt, handlers }: OpenRequest, now: number): boolean {
  if (Object.keys(handlers).length === 0) return false
  return workedAt === undefined || workedAt > now + CLOCK_SLACK_MS
}

/**
 * Makes a request independent of its stored times: every handler settles again, checks what it retains
 * again, and waits for as long as was left when the wait was stored.
 */
function waitAnew(request: OpenRequest, now: number): OpenRequest {
  const { workedAt } = request
  const handlers = Object.entries(request.handlers).map(([name, progress]) => {
    if (progress.retained.length > 0) return [name, startOver(progress, now)] as const
    const { confirmedAt: _confirmedAt, settledAt, ...rest } = progress
    const notBefore =
      workedAt === undefined
        ? Math.min(rest.notBefore, now + BLOCKED_RETRY_MS)
        : now + Math.max(0, rest.notBefore - workedAt)
    const again = settledAt === undefined ? {} : { settledAt: now }
    return [name, { ...rest, ...again, notBefore }] as const
  })
  return { ...request, handlers: Object.fromEntries(handlers) }
}

/** A request in which the handlers whose retention is over are to purge again. */
export function endRetentions(
  request: OpenRequest,
  now: number,
  settleMs: number,
): OpenRequest {
  const handlers = Object.entries(request.handlers).map(([name, progress]) => {
    const isOver = (retentionEnd(progress, settleMs) ?? Infinity) <= now
    return [name, isOver ? startOver(progress, now) : progress] as const
  })
  return { ...request, handlers: Object.fromEntries(handlers) }
}

/** The handler settled before it had a `verify`. It must still be verified twice. */
function canVerify(progress: HandlerProgress): HandlerProgress {
  if (!progress.asserted) return progress
  const { asserted: _asserted, settledAt: _settledAt, ...rest } = progress
  return rest
}

/** The handler has no `verify` any more: an earlier failure of `verify` must not hold it up. */
function cannotVerify(progress: HandlerProgress, now: number): HandlerProgress {
  if (!progress.purged || progress.asserted) return progress
  const { confirmedAt: _confirmedAt, settledAt = now, ...rest } = retried(progress, now)
  return { ...rest, settledAt, asserted: true }
}

/** A handler that began the request but is not registered any more: its data may still be there. */
function missing(progress: HandlerProgress, now: number): HandlerProgress {
  if (progress.code === 'HANDLER_MISSING' && progress.notBefore > now) return progress
  return {
    ...progress,
    blocked: true,
    code: 'HANDLER_MISSING',
    notBefore: now + BLOCKED_RETRY_MS,
  }
}

/**
 * When to work on a stored request next: at once if it is not up to date.
 *
 * @returns `undefined` if only an operator can get it going again
 */
export function nextDue(
  stored: OpenRequest,
  plan: readonly PlannedHandler[],
  now: number,
  settleMs: number,
): number | undefined {
  if (stored.broken) return undefined
  const request = bringUpToDate(stored, plan, false, now, settleMs)
  if (!isDeepStrictEqual(request, stored)) return now
  const step = nextStep(request, plan, now, settleMs)
  return step.kind === 'wait' ? step.until : now
}
