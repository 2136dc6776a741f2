// Hosts whose clocks are hours apart, and one whose clock is set by years.
import t from 'tap'

import type { Clock } from '../../../lib/host/clock.ts'
import { openPostgresErasure } from '../../support/postgres/open-erasure.ts'
import { openTestDatabase } from '../../support/postgres/open-database.ts'
import { until } from '../../support/until.ts'

const HOUR_MS = 60 * 60 * 1000
const YEAR_MS = 365 * 24 * HOUR_MS
const BOB = '@bob:example.org'

/** The clock of a host that is off by so much. */
const hostClock = (offsetMs: number): Clock => ({
  now: () => Date.now() + offsetMs,
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
})

t.test('a user is erased on all hosts, for as long by the database', async t => {
  const { connectionString } = await openTestDatabase(t)
  const openHosts = (schema: string, tombstoneMs: number) =>
    Promise.all(
      [0, 5 * HOUR_MS, -5 * HOUR_MS].map(offsetMs => {
        const engine = { connectionString, schema, clock: hostClock(offsetMs) }
        return openPostgresErasure(t, engine, { tombstoneMs })
      }),
    )
  for (const [schema, tombstoneMs] of [
    ['long', HOUR_MS],
    ['short', 1000],
  ] as const) {
    const hosts = await openHosts(schema, tombstoneMs)
    const answers = () => Promise.all(hosts.map(({ erasure }) => erasure.isErased(BOB)))
    await hosts[0]?.erasure.accept(BOB)
    t.same(await answers(), [true, true, true], 'while the request is open')
    await hosts[1]?.erase(BOB)
    if (schema === 'long') t.same(await answers(), [true, true, true], 'and for an hour')
    else await until('it is over for all', async () => !(await answers()).includes(true))
  }
})

t.test('a host whose clock is set by years knows who is erased', async t => {
  const { connectionString } = await openTestDatabase(t)
  const { erasure, erase } = await openPostgresErasure(
    t,
    { connectionString },
    { tombstoneMs: HOUR_MS },
  )
  await erase(BOB)
  const right = Date.now
  t.teardown(() => (Date.now = right))
  for (const years of [30, -30]) {
    Date.now = () => right() + years * YEAR_MS
    for (let asked = 0; asked < 3; asked += 1)
      t.equal(await erasure.isErased(BOB), true, `set by ${years} years`)
    const { requestId } = await erasure.accept(`@after-${years + 100}:example.org`)
    const { open } = await erasure.status()
    const [request] = open.filter(each => each.requestId === requestId)
    const receivedAt = request?.receivedAt.getTime() ?? right()
    t.ok(Math.abs(receivedAt - right()) < HOUR_MS, 'and when it was asked')
  }
})
