import type { Clock } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import type { UserSeal } from '../user-seal/user-seal.ts'
import type { HandlerPlan } from './handler-plan.ts'

/** What carrying out requests needs. */
export interface PurgeServices {
  readonly store: ErasureStore
  readonly seal: UserSeal
  readonly clock: Clock
  /** The logger for handlers. */
  readonly log: Logger
  readonly emit: EmitEvent
  readonly plan: HandlerPlan
  readonly settleMs: number
  readonly tombstoneMs: number
  readonly recordMs: number
  /** Starts removing deleted data from the disk, without waiting for it. */
  forget(): void
  /** Whether this process may still work on the request. */
  isOurs(): boolean
}
