import t from 'tap'

import { systemClock } from '../../../../lib/host/clock.ts'
import { openDatabase } from '../../../../lib/engines/postgres/connection/database.ts'
import { pgBossScheduler } from '../../../../lib/engines/postgres/queue/pg-boss-scheduler.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { openScheduler } from '../../../support/pg-boss/open-schedulers.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'
import { until } from '../../../support/until.ts'

t.test('a scheduler with nothing to do asks every two seconds', async t => {
  const { connectionString } = await openTestDatabase(t)
  const clock = fakeClock(Date.now())
  const { scheduler, database } = openScheduler(t, connectionString, 'idle', { clock })
  let asked = 0
  const query = database.query.bind(database)
  database.query = (text, values, timeoutMs) => {
    if (typeof text === 'string' && text.includes('waitMs')) asked += 1
    return query(text, values, timeoutMs)
  }
  await scheduler.start(async () => undefined)
  for (const times of [1, 2]) {
    await until(`it has asked ${times} times`, () => asked === times && clock.armed > 0)
    await clock.advance(1999)
    t.equal(asked, times)
    await clock.advance(1)
  }
  await until('it has asked again', () => asked === 3)
})

t.test('options that make no sense are refused', async t => {
  const database = openDatabase({ connectionString: 'postgres://nobody@127.0.0.1:1/x' })
  const good = { database, schema: 'x', clock: systemClock }
  const bad = [
    { concurrency: 0 },
    { concurrency: 1.5 },
    { leaseMs: 9999 },
    { leaseMs: Infinity },
    { schema: 'Upper' },
    { schema: 'x; DROP TABLE y' },
    { schema: 'x'.repeat(45) },
  ]
  for (const options of bad)
    t.throws(() => pgBossScheduler({ ...good, ...options }), TypeError)
  const scheduler = pgBossScheduler(good)
  await scheduler.close()
  await scheduler.close()
  await database.close()
})
