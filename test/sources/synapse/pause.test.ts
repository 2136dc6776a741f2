import t from 'tap'

import { backOff, stretch } from '../../../lib/sources/synapse/pause.ts'

t.test('lists take less than one percent of the time', async t => {
  t.equal(stretch(60_000, 0, 1), 60_000)
  t.equal(stretch(60_000, 600, 1), 60_000)
  t.equal(stretch(60_000, 601, 1), 60_100)
  t.equal(stretch(3_600_000, 58_000, 1), 5_800_000)
})

t.test('an operator may give lists more of the time', async t => {
  t.equal(stretch(1000, 601, 25), 2404)
  t.equal(stretch(1000, 601, 100), 1000)
  t.equal(stretch(1000, 2000, 100), 2000)
})

t.test(
  'failures are followed by longer and longer waits, up to the interval',
  async t => {
    for (let failures = 1; failures <= 2000; failures += 1) {
      const waitMs = backOff(60_000, failures, 0)
      const most = Math.min(60_000, 1000 * 2 ** (failures - 1))
      t.ok(waitMs > 0 && waitMs >= most / 2 && waitMs <= most, `${failures}: ${waitMs}`)
    }
    t.ok(backOff(3_600_000, 100, 0) <= 300_000, 'an hour is too long')
    t.ok(backOff(10, 1, 0) <= 10)
  },
)

t.test('waits differ, so that many bridges do not come back at once', async t => {
  const waits = Array.from({ length: 20 }, () => backOff(60_000, 10, 0))
  t.ok(new Set(waits).size > 10)
})

t.test('the homeserver is waited for as long as it asks', async t => {
  t.equal(backOff(60_000, 1, 90_000), 90_000)
  t.ok(backOff(60_000, 10, 5) >= 30_000)
})
