import t from 'tap'

import {
  Lease,
  Leases,
  type Moment,
  moment,
} from '../../../../lib/engines/postgres/queue/lease.ts'
import type { Claim } from '../../../../lib/engines/postgres/queue/request-queue.ts'
import { fakeClock } from '../../../support/fake-clock.ts'

const LEASE_MS = 600_000
const HOUR_MS = 60 * 60 * 1000

const claim = (id: string) =>
  ({ id, group: id, attempt: 0, createdMs: 0, leaseMs: LEASE_MS }) as unknown as Claim

/** So long ago by the steady clock, and by the other. */
function ago(steadyMs: number, wallMs = steadyMs): Moment {
  const { steady, wall } = moment()
  return { steady: steady - steadyMs, wall: wall - wallMs }
}

t.test('a lease is over after three quarters, by whichever clock says more', async t => {
  const fresh = new Lease(claim('a'), ago(LEASE_MS / 2))
  t.ok(fresh.check())
  t.notOk(fresh.signal.aborted)
  const over = LEASE_MS * 0.76
  for (const claimedAt of [ago(over), ago(over, -HOUR_MS), ago(0, over)]) {
    const lease = new Lease(claim('a'), claimedAt)
    t.notOk(lease.check())
    t.ok(lease.signal.aborted)
    lease.renew(moment())
    t.notOk(lease.check(), 'once it is over it stays so')
  }
})

t.test('it is due for renewal after a third, counted from the last', async t => {
  const lease = new Lease(claim('a'), ago(LEASE_MS * 0.3))
  t.notOk(lease.isDue())
  lease.renew(ago(LEASE_MS * 0.4))
  t.ok(lease.isDue())
  t.ok(lease.check())
  lease.renew(moment())
  t.notOk(lease.isDue())
})

t.test('what is lost is lost, what is stopped is still ours', async t => {
  const [lost, stopped] = [
    new Lease(claim('a'), moment()),
    new Lease(claim('b'), moment()),
  ]
  lost.lose()
  stopped.stop()
  t.notOk(lost.check())
  t.ok(stopped.check())
  t.ok(lost.signal.aborted && stopped.signal.aborted)
})

t.test('work that goes on for a day is asked to come to an end', async t => {
  const lease = new Lease(claim('a'), ago(23 * HOUR_MS))
  lease.renew(moment())
  t.ok(lease.check())
  t.ok(lease.signal.aborted)
})

t.test('leases are renewed, lost, or left to run out, as the queue says', async t => {
  const clock = fakeClock()
  const asked: string[][] = []
  const answer = new Map<string, boolean>()
  let isAway = false
  const leases = new Leases(clock, async claims => {
    asked.push(claims.map(({ id }) => id))
    if (isAway) throw new Error('away')
    return answer
  })
  const due = () => ago(LEASE_MS / 2)
  const [renewed, locked, lost] = ['renewed', 'locked', 'lost'].map(id =>
    leases.add(claim(id), due()),
  )
  answer.set('renewed', true).set('locked', false)
  await clock.advance(1000)
  t.same(asked, [['renewed', 'locked', 'lost']])
  t.ok(renewed?.check() && !renewed.isDue())
  t.ok(locked?.check() && locked.isDue(), 'not lost, and not renewed')
  t.notOk(lost?.check())
  isAway = true
  await clock.advance(1000)
  t.equal(asked.length, 2)
  t.ok(renewed?.check() && locked?.check(), 'no answer is not a no')
  leases.stopAll()
  t.ok(renewed?.signal.aborted && renewed.check())
  for (const lease of [renewed, locked, lost])
    if (lease !== undefined) leases.remove(lease)
  t.equal(clock.armed, 0)
})
