import type { HandlerProgress, OpenRequest } from './open-request.ts'
import { progressOf } from './transitions.ts'

/**
 * The longest wait we ask the scheduler for; after it, the next step is decided again. Handlers may
 * wait, or retain, until a year that no database can store.
 */
const MAX_WAIT_MS = 365 * 24 * 60 * 60 * 1000

/** What the state machine knows of a registered purge handler. */
export interface PlannedHandler {
  readonly name: string
  /** Names of handlers that must be confirmed before this one starts. */
  readonly after: readonly string[]
  /** Whether it can say how much is left. */
  readonly verifies: boolean
}

/** What to do next about a request. */
export type Step<Handler extends PlannedHandler = PlannedHandler> =
  | { readonly kind: 'purge' | 'verify'; readonly handler: Handler }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'finish' }

/** A moment in the life of a request, as the next step is decided. */
interface Moment {
  readonly request: OpenRequest
  readonly now: number
  readonly settleMs: number
  /** When the last handler settled; absent while one has not. */
  readonly lastSettledAt: number | undefined
}

/**
 * Decides the next step from what is stored alone, so that a crash between any two steps
 * changes nothing.
 *
 * A handler settles when it has purged and, if it can verify, was found empty. `settleMs` later
 * it must be found empty again: then it is confirmed, and those that come after it may start.
 * `settleMs` after the last one has settled all must be found empty once more, unless they just
 * were.
 */
export function nextStep<Handler extends PlannedHandler>(
  request: OpenRequest,
  plan: readonly Handler[],
  now: number,
  settleMs: number,
): Step<Handler> {
  const missing = missingHandlers(request, plan).map(({ notBefore }) => notBefore)
  const settledAt = plan.map(({ name }) => progressOf(request, name).settledAt)
  const isSettled = missing.length === 0 && !settledAt.includes(undefined)
  const lastSettledAt = isSettled ? Math.max(...settledAt.map((at = 0) => at)) : undefined
  const moment = { request, now, settleMs, lastSettledAt }
  const steps = plan.flatMap(handler => {
    const { settledAt: at } = progressOf(request, handler.name)
    return at === undefined
      ? unsettledStep(handler, moment)
      : settledSteps(handler, at, moment)
  })
  return soonest(steps, missing, now)
}

function unsettledStep<Handler extends PlannedHandler>(
  handler: Handler,
  moment: Moment,
): Step<Handler>[] {
  const { request, now } = moment
  const mayStart = handler.after.every(name => hasNothingLeft(name, moment))
  if (!mayStart) return []
  const { notBefore, purged } = progressOf(request, handler.name)
  if (notBefore > now) return [{ kind: 'wait', until: notBefore }]
  return [{ kind: purged ? 'verify' : 'purge', handler }]
}

/** Whether a handler is confirmed and retains nothing, so its data need not be found any more. */
function hasNothingLeft(name: string, { request, now, settleMs }: Moment): boolean {
  const { settledAt, confirmedAt, asserted, retained } = progressOf(request, name)
  if (settledAt === undefined || retained.length > 0) return false
  return asserted ? settledAt + settleMs <= now : confirmedAt !== undefined
}

function settledSteps<Handler extends PlannedHandler>(
  handler: Handler,
  settledAt: number,
  { request, now, settleMs, lastSettledAt }: Moment,
): Step<Handler>[] {
  const progress = progressOf(request, handler.name)
  const { confirmedAt = -Infinity, notBefore, asserted } = progress
  const steps: Step<Handler>[] = []
  const retainedUntil = retentionEnd(progress, settleMs)
  if (retainedUntil !== undefined) steps.push({ kind: 'wait', until: retainedUntil })
  const settledUntil = (lastSettledAt ?? settledAt) + settleMs
  if (asserted) {
    const isWaitedFor = lastSettledAt === undefined && settledUntil > now
    if (isWaitedFor) steps.push({ kind: 'wait', until: settledUntil })
  } else if (confirmedAt < settledUntil) {
    const until = Math.max(settledUntil, notBefore)
    steps.push(until > now ? { kind: 'wait', until } : { kind: 'verify', handler })
  }
  return steps
}

/**
 * When a settled handler must check again what it retains: not until `settleMs` after it settled, so
 * that a handler that retains items only for a moment does not loop.
 */
export function retentionEnd(
  { settledAt, retained }: HandlerProgress,
  settleMs: number,
): number | undefined {
  if (settledAt === undefined || retained.length === 0) return undefined
  return Math.max(settledAt + settleMs, Math.min(...retained.map(({ until }) => until)))
}

/** The first step that can be taken now, or else the wait that ends first. */
function soonest<Handler extends PlannedHandler>(
  steps: readonly Step<Handler>[],
  waits: readonly number[],
  now: number,
): Step<Handler> {
  const ready = steps.find(step => step.kind !== 'wait')
  if (ready !== undefined) return ready
  const ends = steps.flatMap(step => (step.kind === 'wait' ? [step.until] : []))
  if (ends.length + waits.length === 0) return { kind: 'finish' }
  return { kind: 'wait', until: Math.min(...ends, ...waits, now + MAX_WAIT_MS) }
}

/** Progress of handlers that have worked on the request and are not registered any more. */
function missingHandlers(
  request: OpenRequest,
  plan: readonly PlannedHandler[],
): HandlerProgress[] {
  const known = new Set(plan.map(handler => handler.name))
  return Object.entries(request.handlers).flatMap(([name, progress]) =>
    known.has(name) ? [] : [progress],
  )
}
