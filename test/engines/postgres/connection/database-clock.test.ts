import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import type { Clock } from '../../../../lib/host/clock.ts'
import { openDatabase } from '../../../../lib/engines/postgres/connection/database.ts'
import { databaseClock } from '../../../../lib/engines/postgres/connection/database-clock.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'

const HOUR_MS = 60 * 60 * 1000
/** Far less than any error that matters, far more than a slow machine takes. */
const CLOSE_MS = 5000

/** A host whose clock is wrong by what the test says. */
function wrongClock(offsetMs: number): Clock & { offsetMs: number } {
  return {
    offsetMs,
    now() {
      return Date.now() + this.offsetMs
    },
    setTimer: () => () => {},
  }
}

t.test('hosts that are hours apart agree on the time', async t => {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString })
  t.teardown(() => database.close())
  for (const offsetMs of [-HOUR_MS, 0, HOUR_MS]) {
    const clock = databaseClock(database, wrongClock(offsetMs))
    await clock.sync()
    t.ok(Number.isInteger(clock.now()))
    t.ok(Math.abs(clock.now() - Date.now()) < CLOSE_MS, `a host off by ${offsetMs}`)
  }
})

t.test('a clock that is set during work is measured anew, once it is read', async t => {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString })
  t.teardown(() => database.close())
  const base = wrongClock(0)
  const clock = databaseClock(database, base)
  await clock.sync()
  for (const offsetMs of [HOUR_MS, -HOUR_MS]) {
    base.offsetMs = offsetMs
    while (Math.abs(clock.now() - Date.now()) > CLOSE_MS) await sleep(5)
    t.pass(`set to be off by ${offsetMs}`)
  }
})

t.test('a host whose clock is set by years goes on with the time it had', async t => {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString })
  const right = Date.now
  t.teardown(async () => {
    Date.now = right
    await database.close()
  })
  const clock = databaseClock(database)
  await clock.sync()
  for (const years of [30, -30]) {
    Date.now = () => right() + years * 365 * 24 * HOUR_MS
    // At once: the first reading may be the one that counts.
    t.ok(Math.abs(clock.now() - right()) < CLOSE_MS, `set by ${years} years`)
  }
})

t.test('it is measured once a minute, and holds while the database is away', async t => {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString })
  t.teardown(() => database.close())
  let queries = 0
  const query = database.query.bind(database)
  database.query = (text, values, timeoutMs) => {
    queries += 1
    return query(text, values, timeoutMs)
  }
  const base = fakeClock(Date.UTC(2001, 0, 1))
  const clock = databaseClock(database, base)
  t.equal(queries, 0)
  await clock.sync()
  const measured = queries
  const before = clock.now()
  t.ok(Math.abs(before - Date.now()) < CLOSE_MS)
  await base.advance(59_000)
  t.equal(clock.now(), before + 59_000)
  t.equal(queries, measured, 'not yet due')
  await database.close()
  await base.advance(1000)
  t.equal(clock.now(), before + 60_000)
  t.equal(queries, measured + 1, 'due, and asked once')
  await sleep(20)
  t.equal(clock.now(), before + 60_000, 'nobody answers: the last offset holds')
  t.equal(queries, measured + 1, 'and it is not asked all the time')
  await t.rejects(clock.sync(), { code: 'CLOSED' })
  let fired = false
  clock.setTimer(() => (fired = true), 1000)
  await base.advance(1000)
  t.ok(fired, 'timers run by the host')
})
