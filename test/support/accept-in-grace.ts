import { createHandOver } from '../../lib/core/hand-over.ts'
import { type AcceptOptions, Intake } from '../../lib/core/intake.ts'
import { type Clock, systemClock } from '../../lib/host/clock.ts'
import { parseUserId } from '../../lib/matrix/user-id.ts'
import type { RequestId } from '../../lib/request/request-id.ts'
import type { Scheduler } from '../../lib/schedule/scheduler.ts'
import type { StoreAdapter } from '../../lib/store/adapter.ts'
import { openErasureStore } from '../../lib/store/erasure-store.ts'
import { createUserSeal } from '../../lib/user-seal/user-seal.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** The parts of an SDK that takes requests in as its sources do. */
export interface GraceParts {
  readonly store: StoreAdapter
  /** The key of the store. */
  readonly key: Uint8Array
  readonly clock?: Clock
  /** Told of each request. Without it, only a sweep finds them. */
  readonly scheduler?: Pick<Scheduler, 'schedule'>
}

/** Takes a request in by the SDK's own intake, with a grace. */
export async function acceptInGrace(
  userId: string,
  options: AcceptOptions,
  { store, key, clock = systemClock, scheduler }: GraceParts,
): Promise<RequestId> {
  const handOver =
    scheduler === undefined
      ? async () => {}
      : createHandOver(scheduler as Scheduler, () => {})
  const intake = new Intake({
    store: openErasureStore(store, true, clock),
    seal: createUserSeal(key),
    clock,
    emit: () => {},
    handOver,
    recordMs: DAY_MS,
    allow: undefined,
    ownUsers: undefined,
  })
  return (await intake.accept(parseUserId(userId), options)).requestId
}
