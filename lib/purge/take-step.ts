import type { EmitEvent } from '../request/erasure-event.ts'
import { countIdle, MAX_IDLE_SLICES } from '../request/idle-slices.ts'
import type { HandlerProgress, OpenRequest } from '../request/open-request.ts'
import type { RequestId } from '../request/request-id.ts'
import {
  failed,
  foundEmpty,
  foundLeft,
  othersAfterFind,
  progressOf,
  slicePurged,
} from '../request/transitions.ts'
import type { RegisteredHandler } from './handler-plan.ts'
import { type CallContext, callPurge, callVerify } from './call-handler.ts'
import type { PurgeServices } from './purge-services.ts'

type Taking = PurgeServices & CallContext

interface CallStep {
  readonly kind: 'purge' | 'verify'
  readonly handler: RegisteredHandler
}

interface StepOf {
  readonly requestId: RequestId
  readonly handler: string
}

/** Calls one handler once. Returns the same request if the SDK is closing. */
export async function takeStep(
  step: CallStep,
  request: OpenRequest,
  taking: Taking,
): Promise<OpenRequest> {
  const { name } = step.handler
  const before = progressOf(request, name)
  const after =
    step.kind === 'purge'
      ? await takePurge(step.handler, request, before, taking)
      : await takeVerify(step.handler, before, taking)
  if (after === before) return request
  report({ requestId: request.id, handler: name }, step.kind, after, taking.emit)
  const others =
    step.kind === 'verify' && after.code === 'VERIFY_FOUND'
      ? othersAfterFind(request, name, taking.plan, taking.clock.now())
      : request.handlers
  return { ...request, handlers: { ...others, [name]: after } }
}

async function takePurge(
  handler: RegisteredHandler,
  request: OpenRequest,
  before: HandlerProgress,
  taking: Taking,
): Promise<HandlerProgress> {
  const { seal, clock } = taking
  const binding = `${request.id}:${handler.name}`
  const which = { requestId: request.id, handler: handler.name }
  const cursor = unsealCursor(before.cursor, binding, which, taking)
  const attempt = before.failures + 1
  const slice =
    cursor === undefined ? { attempt } : { cursor: JSON.parse(cursor), attempt }
  const outcome = await callPurge(handler, taking, slice)
  const now = clock.now()
  if (outcome === 'aborted') return before
  if (typeof outcome === 'string') return failed(before, outcome, handler.retry, now)
  const { more, removed, waitMs } = outcome
  if (more === undefined) return slicePurged(before, outcome, now, handler.verifies)
  const next = seal.seal(more, binding)
  const idle = countIdle(before.idle, removed, waitMs, next)
  const seen = unsealCursor(before.idle?.cursor, binding, which, taking)
  const goesRound = waitMs === 0 && (more === cursor || more === seen)
  if (idle !== undefined && (goesRound || idle.slices > MAX_IDLE_SLICES)) {
    return failed(before, 'PURGE_STALLED', handler.retry, now)
  }
  return slicePurged(before, { ...outcome, cursor: next, idle }, now, handler.verifies)
}

/** A cursor that cannot be opened is ignored: every handler must be able to start over anyway. */
function unsealCursor(
  cursor: HandlerProgress['cursor'],
  binding: string,
  which: StepOf,
  { seal, emit }: Taking,
): string | undefined {
  if (cursor === undefined) return undefined
  try {
    return seal.unseal(cursor, binding)
  } catch {
    emit({ kind: 'cursor broken', ...which })
    return undefined
  }
}

async function takeVerify(
  handler: RegisteredHandler,
  before: HandlerProgress,
  taking: Taking,
): Promise<HandlerProgress> {
  const outcome = await callVerify(handler, taking)
  const now = taking.clock.now()
  if (outcome === 'aborted') return before
  if (typeof outcome === 'string') return failed(before, outcome, handler.retry, now)
  const retained = before.retained.reduce((sum, { count }) => sum + count, 0)
  return outcome > retained
    ? foundLeft(before, handler.retry, now)
    : foundEmpty(before, now)
}

function report(
  which: StepOf,
  step: CallStep['kind'],
  { code, blocked }: HandlerProgress,
  emit: EmitEvent,
): void {
  emit({ kind: 'stepped', ...which, step })
  if (code !== undefined) emit({ kind: blocked ? 'blocked' : 'retrying', ...which, code })
}
