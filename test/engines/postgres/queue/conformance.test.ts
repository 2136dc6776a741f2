import t from 'tap'

import { systemClock } from '../../../../lib/host/clock.ts'
import { openDatabase } from '../../../../lib/engines/postgres/connection/database.ts'
import { pgBossScheduler } from '../../../../lib/engines/postgres/queue/pg-boss-scheduler.ts'
import type { SchedulerSettings } from '../../../../lib/testing/engines/scheduler-cases/scheduler-engine.ts'
import { schedulerConformance } from '../../../../lib/testing/engines/scheduler-conformance.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'

t.test('schedulers on pg-boss keep the contract', { timeout: 280_000 }, async t => {
  const { connectionString } = await openTestDatabase(t)
  let engines = 0
  const cases = schedulerConformance(settings => {
    const schema = `engine_${engines++}`
    const closing: (() => Promise<void>)[] = []
    // Each as in a process of its own, with its own connections.
    const open = (asked: SchedulerSettings) => {
      const database = openDatabase({ connectionString, maxConnections: 4 })
      closing.push(() => database.close())
      return pgBossScheduler({ ...asked, database, schema, clock: systemClock })
    }
    return {
      scheduler: open(settings),
      openAnother: open,
      async remove() {
        for (const close of closing) await close()
      },
    }
  })
  t.jobs = 4
  for (const { title, run } of cases) void t.test(title, { buffered: true }, run)
})
