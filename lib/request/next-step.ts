import type { HandlerProgress, OpenRequest } from './open-request.ts'
import { progressOf } from './transitions.ts'

/** What the state machine knows of a registered purge handler. */
export interface PlannedHandler {
  readonly name: string
  /** Names of handlers that come before this one. */
  readonly after: readonly string[]
  /** Whether it can say how much is left. */
  readonly verifies: boolean
}

/** What to do next about a request. */
export type Step<Handler extends PlannedHandler = PlannedHandler> =
  | { readonly kind: 'purge' | 'verify' | 'confirm'; readonly handler: Handler }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'retain'; readonly until: number }
  | { readonly kind: 'finish' }

/**
 * Decides the next step from what is stored alone, so that a crash between any two steps
 * changes nothing. A handler settles when it has purged and, if it can verify, was found empty;
 * `settleMs` after the last one has settled, all that can verify must be found empty again.
 */
export function nextStep<Handler extends PlannedHandler>(
  request: OpenRequest,
  plan: readonly Handler[],
  now: number,
  settleMs: number,
): Step<Handler> {
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

function handlerStep<Handler extends PlannedHandler>(
  request: OpenRequest,
  handler: Handler,
  now: number,
): Step<Handler> {
  const { notBefore, purged } = progressOf(request, handler.name)
  if (notBefore > now) return { kind: 'wait', until: notBefore }
  return { kind: purged ? 'verify' : 'purge', handler }
}

/** The first step that can be taken now, or else the wait that ends first. */
function soonest<Handler extends PlannedHandler>(
  steps: readonly Step<Handler>[],
  waits: readonly number[],
): Step<Handler> {
  const ready = steps.find(step => step.kind !== 'wait')
  if (ready !== undefined) return ready
  const ends = steps.flatMap(step => (step.kind === 'wait' ? [step.until] : []))
  return { kind: 'wait', until: Math.min(...ends, ...waits) }
}

function confirmStep<Handler extends PlannedHandler>(
  request: OpenRequest,
  plan: readonly Handler[],
  now: number,
  settleMs: number,
): Step<Handler> {
  const progress = plan.map(({ name }) => progressOf(request, name))
  const lastSettledAt = Math.max(...progress.map(({ settledAt = now }) => settledAt))
  const open = plan.filter(
    ({ verifies, name }) => verifies && !progressOf(request, name).confirmed,
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
