import { createErasure, type Erasure } from '../../../lib/index.ts'
import { postgresEngine } from '../../../lib/engines/postgres/postgres-engine.ts'
import type { Scheduler } from '../../../lib/schedule/scheduler.ts'
import { KEY_BYTES } from '../../../lib/user-seal/key.ts'
import { REGISTRATION } from '../../support/erasure.ts'

/** The key all processes share; what it is makes no difference to the time anything takes. */
export const KEY: Uint8Array = new Uint8Array(KEY_BYTES)

/** How the SDK is opened. */
export interface OursOptions {
  /** Default: the engine's. */
  readonly concurrency?: number
  /** Looks over the scheduler's shoulder. */
  readonly watch?: (scheduler: Scheduler) => Scheduler
}

/** The SDK on PostgreSQL; a request is finished as soon as its handlers are. */
export function openOurs(
  connectionString: string,
  { watch = scheduler => scheduler, ...options }: OursOptions = {},
): Promise<Erasure> {
  const { scheduler, ...engine } = postgresEngine({ connectionString, ...options })
  return createErasure({
    registration: REGISTRATION,
    key: KEY,
    ...engine,
    scheduler: watch(scheduler),
    settleMs: 0,
  })
}
