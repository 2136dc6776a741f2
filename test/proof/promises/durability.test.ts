import { join } from 'node:path'

import t, { type Test } from 'tap'

import { killAtBoundaries } from '../durability/boundary-kills.ts'
import { type KillFigures, killAtRandom } from '../durability/random-kills.ts'
import { findPython } from '../durability/tracer.ts'
import { FILE_LIMIT_MS, SIZES } from '../../support/sizes.ts'

t.setTimeout(FILE_LIMIT_MS)

// A SIGKILL leaves the memory of the operating system as it was, so these tests see what was
// answered too early or only kept in the process. What was written and not synced is seen by
// durability-power-cut.test.ts alone.
void t.test('1. A 200 is durable', async t => {
  const { kills, seed } = SIZES
  const directory = t.testdir()
  const compileCache = join(directory, 'compile-cache')
  let left = kills

  await t.test(
    'a bridge killed just before or after any step of its life loses nobody it answered 200',
    async t => {
      const begunAt = Date.now()
      const python = await findPython(join(directory, 'probe.jsonl'))
      const options = { python, compileCache }
      const most = Math.floor(kills / 2)
      const figures = await killAtBoundaries(directory, options, most, seed)
      report(t, figures, begunAt)
      t.comment(`${figures.boundaries} boundaries in a life, seed ${seed}`)
      left -= figures.kills
    },
  )

  await t.test('nor does one killed at random, again and again', async t => {
    const begunAt = Date.now()
    const figures = await killAtRandom(directory, compileCache, left, seed)
    report(t, figures, begunAt)
    t.comment(`${figures.early} kills before the bridge listened, seed ${seed}`)
    t.equal(figures.kills, left)
  })
})

function report(t: Test, figures: KillFigures, begunAt: number): void {
  const { kills, restarts, acknowledged, complaints } = figures
  const seconds = ((Date.now() - begunAt) / 1000).toFixed(1)
  t.comment(
    `${kills} kills, ${restarts} restarts, ${acknowledged} users answered 200, ${seconds} s`,
  )
  t.same(complaints.slice(0, 50), [], `${complaints.length} complaints`)
  t.ok(kills > 0 && acknowledged > 0, 'there was something to lose')
}
