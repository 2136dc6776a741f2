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
