import t from 'tap'

import { bringUpToDate, nextDue } from '../../lib/request/bring-up-to-date.ts'
import { nextStep, type PlannedHandler } from '../../lib/request/next-step.ts'
import type { HandlerProgress, OpenRequest } from '../../lib/request/open-request.ts'
import { freshProgress } from '../../lib/request/transitions.ts'
import { standInId, standInTag } from '../../lib/testing/engines/stand-ins.ts'
import type { Sealed } from '../../lib/user-seal/user-seal.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const YEAR_MS = 365 * DAY_MS
const settleMs = 15 * MINUTE_MS
const now = Date.UTC(2026, 0, 1)
const rows: PlannedHandler = { name: 'rows', after: [], verifies: true }

function requestWith(
  change: Partial<HandlerProgress>,
  more: Partial<OpenRequest> = {},
): OpenRequest {
  return {
    id: standInId('request-1'),
    tag: standInTag('tag-1'),
    sealed: 'sealed' as Sealed,
    receivedAt: now - DAY_MS,
    workedAt: now - MINUTE_MS,
    handlers: { rows: { ...freshProgress(now - MINUTE_MS), ...change } },
    ...more,
  }
}

const update = (request: OpenRequest, plan = [rows], at = now) =>
  bringUpToDate(request, plan, false, at, settleMs).handlers['rows']

t.test(
  'a handler that is gone is looked for once a day, however often it is asked',
  async t => {
    const gone = requestWith({})
    const first = update(gone, [])
    t.match(first, { blocked: true, code: 'HANDLER_MISSING', notBefore: now + DAY_MS })
    const stored = { ...gone, handlers: { rows: first ?? freshProgress(0) } }
    t.equal(update(stored, [], now + MINUTE_MS), stored.handlers.rows, 'not put off')
    t.equal(update(stored, [], now + DAY_MS)?.notBefore, now + 2 * DAY_MS)
    const back = update(stored, [rows], now + MINUTE_MS)
    t.match(back, { blocked: false, failures: 0, notBefore: now + MINUTE_MS })
    t.notOk(back !== undefined && 'code' in back)
  },
)

t.test(
  'a request is due when its handler is, and at once if something has changed',
  async t => {
    const waiting = requestWith({ notBefore: now + 5 * MINUTE_MS })
    t.equal(nextDue(waiting, [rows], now, settleMs), now + 5 * MINUTE_MS)
    t.equal(nextDue(requestWith({}), [rows], now, settleMs), now)
    const other = { name: 'other', after: [], verifies: false }
    t.equal(nextDue(waiting, [rows, other], now, settleMs), now, 'a new handler')
    t.equal(nextDue({ ...waiting, broken: true }, [rows], now, settleMs), undefined)
  },
)

t.test('a clock may be a minute off', async t => {
  const wait = now + 5 * MINUTE_MS
  for (const [aheadMs, notBefore] of [
    [MINUTE_MS, wait],
    // What was left of the wait when it was stored.
    [MINUTE_MS + 1, now + 4 * MINUTE_MS - 1],
  ] as const) {
    const request = requestWith({ notBefore: wait }, { workedAt: now + aheadMs })
    t.equal(update(request)?.notBefore, notBefore, `${aheadMs} ms ahead`)
  }
})

t.test('a wait that a clock far ahead has stored is as long as it was to be', async t => {
  const ahead = now + YEAR_MS
  const waits = requestWith({ notBefore: ahead + 5 * MINUTE_MS }, { workedAt: ahead })
  t.equal(update(waits)?.notBefore, now + 5 * MINUTE_MS)
  const over = requestWith({ notBefore: ahead - 5 * MINUTE_MS }, { workedAt: ahead })
  t.equal(update(over)?.notBefore, now)
})

t.test(
  'of a request that version 0.1 has stored no wait is longer than a day',
  async t => {
    const { workedAt: _workedAt, ...old } = requestWith({ notBefore: now + YEAR_MS })
    t.equal(update(old)?.notBefore, now + DAY_MS)
    const soon = { ...old, handlers: { rows: freshProgress(now + MINUTE_MS) } }
    t.equal(update(soon)?.notBefore, now + MINUTE_MS)
  },
)

t.test('the scheduler is asked for a year at most', async t => {
  const far = requestWith({ notBefore: Date.UTC(12_000, 0, 1) })
  const step = nextStep(far, [rows], now, settleMs)
  t.same(step, { kind: 'wait', until: now + YEAR_MS })
})

/** Accepted a minute ago with a grace of an hour, and nobody has begun. */
const waiting: OpenRequest = {
  ...requestWith({}),
  receivedAt: now - MINUTE_MS,
  graceUntil: now + 59 * MINUTE_MS,
  handlers: {},
}
const { workedAt: _never, ...unseen } = waiting

t.test('10.3: in its grace a request has no handlers, and is not due', async t => {
  for (const request of [waiting, unseen]) {
    for (const retry of [false, true]) {
      const still = bringUpToDate(request, [rows], retry, now, settleMs)
      t.same(still, request)
    }
    t.equal(nextDue(request, [rows], now, settleMs), request.graceUntil)
    const last = (request.graceUntil ?? 0) - 1
    t.same(bringUpToDate(request, [rows], false, last, settleMs).handlers, {})
    const over = bringUpToDate(request, [rows], false, last + 1, settleMs)
    t.same(over.handlers, { rows: freshProgress(last + 1) })
    t.equal(nextDue(request, [rows], last + 1, settleMs), last + 1)
    t.same(nextStep(over, [rows], last + 1, settleMs), { kind: 'purge', handler: rows })
  }
})

t.test('10.3: no handler is called that the stored request does not have', async t => {
  const end = waiting.graceUntil ?? 0
  for (const at of [now, end, end + YEAR_MS]) {
    const step = nextStep(waiting, [rows], at, settleMs)
    t.same(step, { kind: 'wait', until: end }, 'it could still be withdrawn')
  }
  const begun = { ...waiting, handlers: { rows: freshProgress(end) } }
  t.match(nextStep(begun, [rows], end, settleMs), { kind: 'purge' })
  const early = bringUpToDate(begun, [rows], false, end - MINUTE_MS, settleMs)
  t.ok(early.handlers['rows'], 'set back by a minute, the clock brings no grace back')
  const endless = { ...waiting, graceUntil: now + 5 * YEAR_MS }
  t.same(nextStep(endless, [rows], now, settleMs), {
    kind: 'wait',
    until: now + YEAR_MS,
  })
})

t.test(
  '10.3: a grace that a clock far ahead has stored is as long as it was',
  async t => {
    const ahead = now + YEAR_MS
    for (const request of [
      { ...unseen, receivedAt: ahead, graceUntil: ahead + 60 * MINUTE_MS },
      // Worked on later, under the wrong clock: half of it was left.
      { ...waiting, workedAt: ahead, graceUntil: ahead + 60 * MINUTE_MS },
    ]) {
      t.equal(nextDue(request, [rows], now, settleMs), now, 'to be stored at once')
      const right = bringUpToDate(request, [rows], false, now, settleMs)
      t.same(right, { ...request, graceUntil: now + 60 * MINUTE_MS })
      const stored = { ...right, workedAt: now }
      t.equal(nextDue(stored, [rows], now, settleMs), now + 60 * MINUTE_MS)
      const again = bringUpToDate(stored, [rows], false, now + 2 * MINUTE_MS, settleMs)
      t.equal(again.graceUntil, right.graceUntil, 'and it does not move any more')
    }
    const slack = { ...unseen, receivedAt: now + MINUTE_MS }
    t.equal(
      nextDue(slack, [rows], now, settleMs),
      slack.graceUntil,
      'a minute is nothing',
    )
    const over = { ...waiting, workedAt: ahead, graceUntil: ahead - MINUTE_MS }
    const begun = bringUpToDate(over, [rows], false, now, settleMs)
    t.ok(begun.handlers['rows'], 'nothing was left of it')
  },
)

t.test(
  '10.3: one that could not be unsealed waits again when it is repaired',
  async t => {
    const broken = { ...waiting, broken: true }
    t.equal(nextDue(broken, [rows], now, settleMs), undefined)
    t.same(bringUpToDate(broken, [rows], false, now, settleMs), waiting)
  },
)
