import t from 'tap'

import { breathe, fakeClock } from '../support/fake-clock.ts'
import { inGrace, openBridge } from '../support/bridge-in-grace.ts'

const bob = '@bob:example.org'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

t.test('no handler is called before the grace is over, and then at once', async t => {
  const { erasure, clock, calls, accept } = await openBridge()
  await erasure.start()
  const requestId = await accept(bob)
  t.ok(await erasure.isErased(bob), 'events are guarded from the beginning')
  const { counts, open } = await erasure.status()
  t.match(counts, { waiting: 1, accepted: 0 })
  const startsAt = new Date(clock.now() + HOUR_MS)
  t.match(open, [{ requestId, state: 'waiting', startsAt, overdue: false }])
  t.same(open[0]?.receivedAt, new Date(clock.now()))
  await clock.advance(HOUR_MS - 1)
  await erasure.retry(requestId)
  await breathe()
  t.same(calls, [], 'a retry does not shorten it')
  await clock.advance(1)
  t.same(calls, [HOUR_MS], 'not only by the sweep')
  t.match((await erasure.status()).counts, { waiting: 0, erased: 1 })
  await erasure.close()
})

t.test('a grace survives a restart', async t => {
  const first = await openBridge()
  const { clock, store, accept } = first
  await first.erasure.start()
  await accept(bob)
  await clock.advance(HOUR_MS / 2)
  await first.erasure.close()
  const second = await openBridge({ clock, store })
  await second.erasure.start()
  await clock.advance(HOUR_MS / 2 - 1)
  t.same(second.calls, [])
  await clock.advance(1)
  t.same(second.calls, [HOUR_MS / 2])
  await second.erasure.close()
})

t.test('a grace longer than the time for a request shows at once', async t => {
  const { erasure, accept } = await openBridge()
  await accept(bob, { ...inGrace, graceMs: 29 * DAY_MS })
  t.match((await erasure.status()).open, [{ state: 'waiting', overdue: true }])
  await erasure.close()
})

t.test('until a handler may be called, an overdue start can be withdrawn', async t => {
  const { erasure, clock, calls, accept } = await openBridge()
  const requestId = await accept(bob)
  await clock.advance(DAY_MS)
  await erasure.withdraw(requestId)
  await erasure.start()
  await clock.advance(DAY_MS)
  t.same(calls, [])
  await erasure.close()
})

t.test('a clock that was years ahead makes nobody wait for years', async t => {
  for (const aheadMs of [70 * 365 * DAY_MS, 2 * DAY_MS]) {
    const timers = fakeClock()
    let ahead = aheadMs
    const clock = { ...timers, now: () => timers.now() + ahead }
    const { erasure, calls, accept } = await openBridge({ clock })
    await erasure.start()
    await accept(bob)
    await timers.advance(HOUR_MS / 2)
    ahead = 0
    await timers.advance(HOUR_MS - 1)
    t.same(calls, [], 'the grace begins anew')
    // It is noticed by the sweep, every five minutes.
    await timers.advance(5 * 60_000 + 1)
    t.equal(calls.length, 1)
    t.match((await erasure.status()).counts, { erased: 1 })
    await erasure.close()
  }
})
