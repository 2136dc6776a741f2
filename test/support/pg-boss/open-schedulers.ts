import type { Test } from 'tap'

import { systemClock } from '../../../lib/host/clock.ts'
import {
  type Database,
  openDatabase,
} from '../../../lib/engines/postgres/connection/database.ts'
import { pgBossScheduler } from '../../../lib/engines/postgres/queue/pg-boss-scheduler.ts'
import type { PgBossSchedulerOptions } from '../../../lib/engines/postgres/queue/scheduler-options.ts'
import type { Scheduler } from '../../../lib/schedule/scheduler.ts'

/** A scheduler with the shortest lease, on connections of its own. */
export interface OpenedScheduler {
  readonly scheduler: Scheduler
  readonly database: Database
}

/** Opens one; it is closed at the end of the test. */
export function openScheduler(
  t: Pick<Test, 'teardown'>,
  connectionString: string,
  schema: string,
  options: Partial<PgBossSchedulerOptions> = {},
): OpenedScheduler {
  const database = openDatabase({ connectionString, maxConnections: 4 })
  const scheduler = pgBossScheduler({
    database,
    schema,
    clock: systemClock,
    leaseMs: 10_000,
    drainMs: 0,
    ...options,
  })
  t.teardown(async () => {
    await scheduler.close()
    await database.close()
  })
  return { scheduler, database }
}
