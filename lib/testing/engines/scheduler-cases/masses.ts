import assert from 'node:assert/strict'

import type { SchedulerCase, SchedulerTrial } from './scheduler-trial.ts'
import { randomRequestId, standInTag } from '../stand-ins.ts'

/** Many at once. */
export const massCases: readonly SchedulerCase[] = [
  ['an id that is scheduled a thousand times is called once', callsOnce],
  ['a thousand ids that come at once are all called', callsAll],
]

async function callsOnce(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open()
  const id = randomRequestId()
  const at = new Date()
  await Promise.all(
    Array.from({ length: 1000 }, () => scheduler.schedule(id, at, standInTag('a group'))),
  )
  await trial.start(scheduler)
  await trial.called(id)
  await trial.quiet(scheduler)
  assert.equal(trial.callsOf(id).length, 1)
}

async function callsAll(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open()
  await trial.start(scheduler)
  await Promise.all(Array.from({ length: 1000 }, () => trial.schedule(scheduler)))
  await trial.until('all were called', () => trial.calls.length >= 1000)
  await trial.quiet(scheduler)
  // And the one by which we saw that it is quiet.
  assert.equal(trial.calls.length, 1001)
  assert.equal(new Set(trial.calls.map(({ id }) => id)).size, 1001)
}
