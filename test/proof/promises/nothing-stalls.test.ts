import { join } from 'node:path'

import fc from 'fast-check'
import t, { type Test } from 'tap'

import { runSchedule } from '../model/run-schedule.ts'
import { schedules } from '../model/schedules.ts'
import { sqliteDisk } from '../model/sqlite-disk.ts'
import type { Interruption, Schedule, Step } from '../model/steps.ts'
import { type Disk, memoryDisk } from '../model/world.ts'
import { FILE_LIMIT_MS, SIZES } from '../../support/sizes.ts'

const HOUR_MS = 60 * 60 * 1000
/** The long run tries every point; the short one does so for crashes only. */
const STRIDE = SIZES.schedules >= 2000 ? 1 : 29

t.setTimeout(FILE_LIMIT_MS)

t.test('2. Nothing stalls', async t => {
  const { run, tried } = runner()
  await fc.assert(
    fc.asyncProperty(schedules, async schedule => void (await run(schedule))),
    { seed: SIZES.seed, numRuns: SIZES.schedules },
  )
  t.comment(tried)
})

t.test('Nothing stalls on a real SQLite file either.', async t => {
  const directory = t.testdir()
  let files = 0
  const disk = () => sqliteDisk(join(directory, `${(files += 1)}.db`))
  const { run, tried } = runner(disk)
  await fc.assert(
    fc.asyncProperty(schedules, async schedule => void (await run(schedule))),
    { seed: SIZES.seed, numRuns: Math.ceil(SIZES.schedules / 50) },
  )
  t.comment(tried)
})

t.test('Nor in a store that cannot set and delete together.', async t => {
  const { run, tried } = runner(() => memoryDisk(false))
  await fc.assert(
    fc.asyncProperty(schedules, async schedule => void (await run(schedule))),
    { seed: SIZES.seed, numRuns: Math.ceil(SIZES.schedules / 5) },
  )
  t.comment(tried)
})

/** Something of everything: order, slices, failures, lies, retention, a second request. */
const busyHours: readonly Step[] = [
  { do: 'next', handler: 'messages', purge: [{ slices: 3 }, 'honest', 'fail'] },
  { do: 'next', handler: 'rooms', purge: ['half', { retainMs: HOUR_MS }] },
  { do: 'next', handler: 'map', purge: ['hang'], verify: ['honest', 'fail'] },
  { do: 'next', handler: 'media', purge: ['honest', 'fail', 'throw'] },
  { do: 'accept', user: 0 },
  { do: 'accept', user: 1 },
  { do: 'advance', ms: 2000 },
  { do: 'accept', user: 0 },
  { do: 'advance', ms: HOUR_MS / 3 },
  { do: 'comes back', user: 1, handler: 'messages' },
  { do: 'retry', request: 0 },
  { do: 'advance', ms: 2 * HOUR_MS },
]
const busy = { settleMs: 15 * 60_000, attempts: 2, concurrency: 4 }

t.test('A crash at every point where the code awaits something changes nothing.', t =>
  interruptEverywhere(t, 1, [{ do: 'crash' }]),
)

t.test('Nor does it in a store that cannot set and delete together.', t =>
  interruptEverywhere(t, Math.min(STRIDE, 5), [{ do: 'crash' }], undefined, () =>
    memoryDisk(false),
  ),
)

t.test('A crash while the next process starts changes nothing.', t =>
  interruptEverywhere(t, STRIDE, [{ do: 'crash' }], 5),
)

t.test('Whatever comes between, at any point, nothing stalls.', t =>
  interruptEverywhere(t, STRIDE, [
    { do: 'accept', user: 0 },
    { do: 'lift', user: 0 },
    { do: 'retry', request: 0 },
    { do: 'no reads', forMs: 0 },
    { do: 'no memory', forMs: 0 },
    { do: 'no writes', how: 'throw', forMs: 0 },
    { do: 'no writes', how: 'throw after', forMs: 0 },
    { do: 'no writes', how: 'answer false', forMs: 0 },
  ]),
)

/** The busy hours, once for each point, with something that happens there, and once more later. */
async function interruptEverywhere(
  t: Test,
  stride: number,
  interruptions: readonly Interruption[],
  again?: number,
  disk?: () => Disk,
): Promise<void> {
  const { run, tried } = runner(disk)
  const points = await run({ ...busy, steps: busyHours })
  for (const then of interruptions) {
    for (let point = 1; point <= points; point += stride) {
      const steps: Step[] = [{ do: 'at', point, then }, ...busyHours]
      if (again !== undefined) steps.unshift({ do: 'at', point: point + again, then })
      await run({ ...busy, steps })
    }
  }
  t.comment({ points, ...tried })
}

/** Runs schedules, and counts what they tried. */
function runner(disk?: () => Disk): {
  readonly run: (schedule: Schedule) => Promise<number>
  readonly tried: object
} {
  const tried = { seed: SIZES.seed, schedules: 0, requests: 0, crashes: 0, restarts: 0 }
  const run = async (schedule: Schedule) => {
    const { requests, crashes, restarts, points } = await runSchedule(schedule, disk?.())
    tried.schedules += 1
    tried.requests += requests
    tried.crashes += crashes
    tried.restarts += restarts
    return points
  }
  return { run, tried }
}
