import { createHandOver } from '../../lib/core/hand-over.ts'
import { Intake } from '../../lib/core/intake.ts'
import { type Clock, systemClock } from '../../lib/host/clock.ts'
import { parseUserId } from '../../lib/matrix/user-id.ts'
import type { RequestId } from '../../lib/request/request-id.ts'
import type { Scheduler } from '../../lib/schedule/scheduler.ts'
import type { StoreAdapter } from '../../lib/store/adapter.ts'
import { openErasureStore } from '../../lib/store/erasure-store.ts'
import { createUserSeal } from '../../lib/user-seal/user-seal.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** How a source reports. */
export interface GraceReport {
  readonly source?: string
  readonly graceMs: number
}

/** The parts of an SDK that takes requests in as its sources do. */
export interface GraceParts {
  readonly store: StoreAdapter
  /** The key of the store. */
  readonly key: Uint8Array
  readonly clock?: Clock
  /** Told of each request. Without it, only a sweep finds them. */
  readonly scheduler?: Pick<Scheduler, 'schedule'>
}

/**
 * Takes a request in by the SDK's own intake, as sources do. The report is forgotten at once, so that
 * the same user can be reported again.
 */
export async function acceptInGrace(
  userId: string,
  { source = 'test', graceMs }: GraceReport,
  { store, key, clock = systemClock, scheduler }: GraceParts,
): Promise<RequestId> {
  const handOver =
    scheduler === undefined
      ? async () => {}
      : createHandOver(scheduler as Scheduler, () => {})
  const ids: RequestId[] = []
  const documents = openErasureStore(store, true, clock)
  const seal = createUserSeal(key)
  const intake = new Intake({
    store: documents,
    seal,
    clock,
    emit: event => event.kind === 'accepted' && ids.push(event.requestId),
    handOver,
    recordMs: DAY_MS,
    allow: undefined,
    ownUsers: undefined,
    isShared: true,
  })
  const user = parseUserId(userId)
  await intake.acceptReported(user, { source, graceMs, isGhost: false })
  await documents.sources.forgetReported(source, seal.tag(user))
  const [requestId] = ids
  if (requestId === undefined) throw new Error('The report was not accepted')
  return requestId
}
