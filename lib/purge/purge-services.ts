import type { Clock } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import type { UserSeal } from '../user-seal/user-seal.ts'
import type { HandlerPlan } from './handler-plan.ts'

/** What carrying out requests takes. */
export interface PurgeServices {
  readonly store: ErasureStore
  readonly seal: UserSeal
  readonly clock: Clock
  /** What handlers log to. */
  readonly log: Logger
  readonly emit: EmitEvent
  readonly plan: HandlerPlan
  readonly settleMs: number
  readonly tombstoneMs: number
  readonly recordMs: number
  /** Sees to it that nothing deleted is left on disk, in its own time. */
  forget(): void
  /** Whether the request is still this process's to work on. */
  isOurs(): boolean
}
