// Four processes on one PostgreSQL, with clocks up to an hour apart: killed, stopped for longer
// than their lease, cut off from the database without a word; and the database crashes, too.
import t from 'tap'

import { resumedAfterMs } from '../chaos/faults.ts'
import { type ChaosReport, runChaos } from '../chaos/run-chaos.ts'
import { LEASE_MS } from '../chaos/story.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { FILE_LIMIT_MS, SIZES } from '../../support/sizes.ts'

t.setTimeout(FILE_LIMIT_MS)

void t.test('Several processes', async t => {
  const { shared: requests, faults, seed } = SIZES
  t.comment(`seed ${seed}`)
  const report = await runChaos(t, { requests, faults, seed }, seededRandom(seed))
  describe(t, report)

  await t.test('everybody promised is purged, and nobody else', async t => {
    const { promised, status, wronglyLeft, queued } = report
    t.equal(promised.users.size, requests, 'every request was answered 200 in the end')
    t.same(status.open.slice(0, 10), [], `${status.open.length} are still open`)
    t.ok(status.counts.erased >= promised.answers, 'each 200 has a record')
    t.same(wronglyLeft.slice(0, 20), [], `${wronglyLeft.length} are wrong`)
    t.equal(queued, 0, 'pg-boss has nothing left')
    t.same(report.crashes, [])
  })

  await t.test('no user is purged by two processes at once', async t => {
    const { complaints } = report.overlaps
    t.same(complaints.slice(0, 20), [], complaints[0] ?? 'no complaint')
  })

  await t.test('who is stopped or cut off is told to stop', async t => {
    const { abortedCalls, overlaps } = report
    t.ok(abortedCalls.cutOff > 0, 'before its lease is over, when it is cut off')
    t.ok(abortedCalls.stopped > 0, 'before it does anything else, when it was stopped')
    t.ok(overlaps.taken > 0, 'others had gone on with its work')
  })

  await t.test('others go on with the work of who was killed', async t => {
    const [killed] = report.killed
    t.ok(killed !== undefined && killed.calls.length > 0, 'it was killed at work')
    for (const each of report.killed) {
      t.notOk(resumedAfterMs(each, report.calls).includes(undefined))
    }
  })

  await t.test('no user is in what the processes log', async t => {
    t.ok(report.lines.length > 0)
    t.same(
      report.lines.filter(line => line.includes('@user-')),
      [],
    )
  })
})

function describe(t: { comment(text: string): void }, report: ChaosReport): void {
  const { promised, figures, calls, overlaps, killed } = report
  const { kills, stops, holes, cuts, restarts } = figures
  t.comment(
    `${promised.answers} times 200 for ${promised.users.size} users, after ` +
      `${promised.refusals} requests without; ${calls.length} calls of handlers`,
  )
  t.comment(
    `${kills} SIGKILLs, ${stops} SIGSTOPs, ${holes} black holes, ${cuts} cuts, ` +
      `${restarts} crashes of the database; ${overlaps.taken} calls were taken over`,
  )
  const waits = killed.flatMap(each => resumedAfterMs(each, calls)).map(Number)
  t.comment(
    `work of a killed process went on after ${seconds(Math.min(...waits))} to ` +
      `${seconds(Math.max(...waits))}, with a lease of ${seconds(LEASE_MS)}`,
  )
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
