import { join } from 'node:path'

import t from 'tap'

import type { Clock } from '../../lib/host/clock.ts'
import { watchForJumps } from '../../lib/host/clock-jump.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'
import { openErasure } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const YEARS_MS = 70 * 366 * DAY_MS

interface Test {
  testdir(): string
  teardown(callback: () => unknown): unknown
}

/** An erasure on SQLite whose clock can be wrong by `offset.ms`. */
async function setUp(t: Test) {
  const directory = t.testdir()
  const right = fakeClock()
  const offset = { ms: 0 }
  const clock: Clock = {
    now: () => right.now() + offset.ms,
    setTimer: (callback, delayMs) => right.setTimer(callback, delayMs),
  }
  const store = sqliteStore({ path: join(directory, 'erasure.db'), clock })
  const times = { settleMs: 10, sweepMs: HOUR_MS / 2, tombstoneMs: 9 * DAY_MS }
  const options = { store, clock, recordMs: 20 * DAY_MS, ...times }
  const erasure = await openErasure(t, options, directory)
  erasure.onUserErase('messages', { purge: async () => {}, verify: async () => 0 })
  await erasure.start()
  const erase = async (user: string) => {
    await erasure.accept(user)
    await right.advanceUntil(async () => (await erasure.status()).open.length === 0)
  }
  return { erasure, right, offset, erase }
}

t.test(
  '9.A7: what a clock years ahead has stored neither stays nor vanishes',
  async t => {
    const { erasure, right, offset, erase } = await setUp(t)
    offset.ms = YEARS_MS
    await erase(bob)
    offset.ms = 0
    t.ok(await erasure.isErased(bob))
    await right.advance(8 * DAY_MS)
    t.ok(await erasure.isErased(bob), 'not early')
    await right.advance(3 * DAY_MS)
    t.notOk(await erasure.isErased(bob), 'nor for years')
    t.match((await erasure.status()).counts, { erased: 1 })
    await right.advance(11 * DAY_MS)
    t.match((await erasure.status()).counts, { erased: 0 })
  },
)

t.test('9.A7: a clock that is years ahead for some hours deletes nothing', async t => {
  const { erasure, right, offset, erase } = await setUp(t)
  await erase(bob)
  await right.advance(HOUR_MS)
  offset.ms = YEARS_MS
  await right.advance(HOUR_MS * 0.9)
  offset.ms = 0
  await right.advance(2 * HOUR_MS)
  t.ok(await erasure.isErased(bob))
  t.match((await erasure.status()).counts, { erased: 1 })
})

t.test('9.A7: a clock years back ends no tombstone of an open request', async t => {
  const { erasure, right, offset, erase } = await setUp(t)
  offset.ms = -YEARS_MS
  await erasure.accept(bob)
  offset.ms = 0
  await breathe()
  t.ok(await erasure.isErased(bob))
  await erase(carol)
  await right.advance(8 * DAY_MS)
  t.ok(await erasure.isErased(bob), 'it is counted from the end')
  await right.advance(2 * DAY_MS)
  t.notOk(await erasure.isErased(bob))
})

t.test('a jump is told from time that passes', async t => {
  const right = fakeClock()
  let offset = 0
  const hasJumped = watchForJumps({ ...right, now: () => right.now() + offset })
  await right.advance(DAY_MS)
  t.notOk(hasJumped(DAY_MS))
  offset = 2 * HOUR_MS
  t.ok(hasJumped(0))
  t.notOk(hasJumped(0))
  offset = 0
  t.ok(hasJumped(0), 'back, too')
  t.notOk(hasJumped(0))
})
