import type { RequestId } from '../request/request-id.ts'
import { createRedactor } from '../matrix/redactor.ts'
import { magnitude } from '../request/record.ts'
import { endRetentions } from '../request/bring-up-to-date.ts'
import { nextStep } from '../request/next-step.ts'
import { type OpenRequest, requestState } from '../request/open-request.ts'
import { claimRequest } from './claim-request.ts'
import { BLOCKED_RETRY_MS, progressOf } from '../request/transitions.ts'
import { takeStep } from './take-step.ts'
import type { PurgeServices } from './purge-services.ts'

/** How many steps a request takes before others get a turn, even if it has a million slices. */
const MAX_STEPS = 100

/**
 * Takes every step of an open request that can be taken now. The result of each step is stored before
 * the next one begins. If anything happens in between, the step is taken again (promise 8).
 *
 * @returns when to call again, or `undefined` if the request is not open any more
 * @throws ErasureError `REQUEST_TAKEN` if another process has begun to work on it meanwhile,
 *   `KEY_MISMATCH`, `STORE_UNREADABLE`, `STORE_UNWRITABLE`
 */
export async function carryOut(
  id: RequestId,
  signal: AbortSignal,
  services: PurgeServices,
): Promise<Date | undefined> {
  const { store, clock, plan, settleMs } = services
  const claimed = await claimRequest(id, services)
  if (claimed === undefined) return undefined
  const { subject } = claimed
  let { request } = claimed
  if (subject === undefined) return new Date(clock.now() + BLOCKED_RETRY_MS)
  const taking = { ...services, subject, signal, redact: createRedactor(subject.userId) }
  for (
    let steps = 0;
    steps < MAX_STEPS && !signal.aborted && services.isOurs();
    steps += 1
  ) {
    const step = nextStep(request, plan, clock.now(), settleMs)
    if (step.kind === 'finish') return finish(request, services)
    if (step.kind === 'wait') {
      const isNew = requestState(claimed.request) !== 'retaining'
      if (isNew && requestState(request) === 'retaining') {
        const until = retainedUntil(request)
        services.emit({ kind: 'retaining', requestId: id, until: new Date(until) })
      }
      return new Date(step.until)
    }
    const taken = await takeStep(step, request, taking)
    // The same comes back if the call was aborted.
    if (taken === request) continue
    const now = clock.now()
    const next = { ...endRetentions(taken, now, settleMs), workedAt: now }
    await store.save(next, request)
    request = next
  }
  return new Date(clock.now())
}

/** When the first of the retained items may be removed. */
function retainedUntil({ handlers }: OpenRequest): number {
  const retained = Object.values(handlers).flatMap(progress => progress.retained)
  return Math.min(...retained.map(({ until }) => until))
}

async function finish(
  request: OpenRequest,
  { store, clock, emit, plan, recordMs, tombstoneMs, forget }: PurgeServices,
): Promise<undefined> {
  const handlers = plan.map(({ name, verifies }) => {
    const outcome = verifies ? ('verified' as const) : ('asserted' as const)
    return [
      name,
      { outcome, removed: magnitude(progressOf(request, name).removed) },
    ] as const
  })
  const record = {
    requestId: request.id,
    outcome: 'erased' as const,
    receivedAt: request.receivedAt,
    finishedAt: clock.now(),
    handlers: Object.fromEntries(handlers),
  }
  await store.finish(request, record, { recordMs, tombstoneMs })
  emit({ kind: 'erased', requestId: request.id })
  // Not awaited: a reader can delay it for long, and other requests need this place.
  forget()
}
