import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { keyPath } from '../durability/files.ts'
import { killThenCut } from '../durability/kill-then-cut.ts'
import { answersOf, checkOrder } from '../durability/order.ts'
import {
  choosePoints,
  compareWithModel,
  type CutFigures,
  cutPower,
  pointsOfTruncations,
} from '../durability/power-cut.ts'
import { type Act, record } from '../durability/story.ts'
import { findPython } from '../durability/tracer.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { FILE_LIMIT_MS, SIZES } from '../../support/sizes.ts'

/** What the files of a bridge live through. */
const ACTS: readonly Act[] = [
  // The first start, and a kill while it purges.
  { name: 'first', alone: 5, connections: 8, hold: true },
  // Recovery, a crowd, everybody purged, closed.
  { name: 'crowd', connections: 16, usersEach: 3 },
  // A start on closed files.
  { name: 'alone', alone: 10 },
]

t.setTimeout(FILE_LIMIT_MS)

// The disk of a test machine does not forget unless somebody with privileges sees to it: LazyFS
// needs FUSE, dm-flakey needs root. A recording of the system calls that change files needs
// neither, and shows more: the disk as it could be after a cut at every moment of one run.
void t.test('1. A 200 is durable, also when the power is cut', async t => {
  const { cuts, seed } = SIZES
  const directory = t.testdir()
  const disks = memoryFolder(t) ?? join(directory, 'disks')
  const python = await findPython(join(directory, 'probe.jsonl'))
  const options = { python, compileCache: join(directory, 'compile-cache') }
  const recording = await record(directory, ACTS, options)
  const { place, ledger, acts, moments } = recording
  const [firstAct = [], crowdAct = [], aloneAct = []] = acts

  await t.test('the recording has missed nothing', async t => {
    t.same(compareWithModel(recording, join(directory, 'model')), [])
    const answered = answersOf(moments).map(({ user }) => user)
    t.same(new Set(answered), ledger.acknowledged)
    t.same(ledger.acknowledged, ledger.sent)
    t.equal(answered.length, 5 + 8 + 16 * 3 + 10)
  })

  const key = readFileSync(keyPath(place.root))
  for (const [act, connections] of [
    [aloneAct, 1],
    [crowdAct, 16],
  ] as const) {
    await t.test(
      `the log is synced before the first byte of its 200, with connections: ${connections}`,
      async t => t.same(checkOrder(act, key), []),
    )
  }

  await t.test(
    'whenever the power is cut, everybody who was answered 200 is found',
    async t => {
      const begunAt = Date.now()
      const random = seededRandom(seed)
      const points = choosePoints(moments, cuts, random)
      const figures = await cutPower(recording, disks, points, random)
      report(t, figures, begunAt)
      t.comment(
        `of ${moments.length} moments, ${ledger.acknowledged.size} users, seed ${seed}`,
      )
      t.equal(figures.points, cuts)
    },
  )

  await t.test('also when a log that was to be truncated is only shorter', async t => {
    const begunAt = Date.now()
    const points = pointsOfTruncations(moments)
    const random = seededRandom(seed)
    const figures = await cutPower(recording, disks, points, random, ['shorter'])
    report(t, figures, begunAt)
    t.ok(figures.points > 0)
  })

  await t.test(
    'also when the bridge was killed in its first start, and started again',
    async t => {
      const begunAt = Date.now()
      const kills = Math.floor(cuts / 5)
      const random = seededRandom(seed)
      const figures = await killThenCut(disks, options, firstAct, kills, random)
      report(t, figures, begunAt)
      t.comment(`${figures.kills} kills, seed ${seed}`)
      t.equal(figures.points, figures.kills)
    },
  )
})

function report(
  t: Test,
  { points, disks, complaints }: CutFigures,
  begunAt: number,
): void {
  const seconds = ((Date.now() - begunAt) / 1000).toFixed(1)
  t.comment(`${points} cut points, ${disks} disks, ${seconds} s`)
  t.same(complaints, [], complaints[0] ?? 'no complaint')
}

/** What is on a rebuilt disk counts, not how fast it is, so it may be one of memory. */
function memoryFolder(t: Test): string | undefined {
  try {
    accessSync('/dev/shm', constants.W_OK)
  } catch {
    return undefined
  }
  const folder = mkdtempSync('/dev/shm/erasure-')
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}
