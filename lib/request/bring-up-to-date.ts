import { isDeepStrictEqual } from 'node:util'

import { nextStep, type PlannedHandler } from './next-step.ts'
import type { HandlerProgress, OpenRequest } from './open-request.ts'
import { BLOCKED_RETRY_MS, freshProgress, retentionOver, retried } from './transitions.ts'

/**
 * A stored request with what changed while nobody worked on it: handlers that came or went, a
 * retention that ended, a retry that was asked for.
 */
export function bringUpToDate(
  stored: OpenRequest,
  plan: readonly PlannedHandler[],
  retry: boolean,
  now: number,
): OpenRequest {
  const { broken: _broken, retainUntil, ...rest } = stored
  const isRetentionOver = retainUntil !== undefined && retainUntil <= now
  const newcomers = plan.filter(({ name }) => !Object.hasOwn(stored.handlers, name))
  const handlers: Record<string, HandlerProgress> = {}
  for (const [name, before] of Object.entries(stored.handlers)) {
    let progress = isRetentionOver ? retentionOver(before, now) : before
    // All are to be found empty at the same time, the new ones too.
    if (newcomers.length > 0) progress = { ...progress, confirmed: false }
    if (!plan.some(handler => handler.name === name)) {
      handlers[name] = missing(progress, now)
    } else {
      const isBack = progress.code === 'HANDLER_MISSING'
      handlers[name] = retry || isBack ? retried(progress, now) : progress
    }
  }
  for (const { name } of newcomers) handlers[name] = freshProgress(now)
  const request = { ...rest, handlers }
  return retainUntil === undefined || isRetentionOver || newcomers.length > 0
    ? request
    : { ...request, retainUntil }
}

/** A handler that knows the request and is not registered any more: its data may still be there. */
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
 * When a request is to be worked on next, as the store has it: at once if it is not up to date.
 *
 * @returns `undefined` if only a person can get it going
 */
export function nextDue(
  stored: OpenRequest,
  plan: readonly PlannedHandler[],
  now: number,
  settleMs: number,
): number | undefined {
  if (stored.broken) return undefined
  const request = bringUpToDate(stored, plan, false, now)
  if (!isDeepStrictEqual(request, stored)) return now
  const step = nextStep(request, plan, now, settleMs)
  return step.kind === 'wait' ? step.until : now
}
