import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import {
  aborted,
  Gate,
  QUIET_MS,
  type SchedulerCase,
  type SchedulerTrial,
} from './scheduler-trial.ts'
import { standInTag } from '../stand-ins.ts'

const HOUR_MS = 60 * 60 * 1000

/** How it ends. */
export const closingCases: readonly SchedulerCase[] = [
  ['close waits for work, and calls no more', closeWaits],
  ['close aborts work that does not come to an end', closeAborts],
]

async function closeWaits(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open({ drainMs: HOUR_MS })
  const gate = new Gate()
  const signals: AbortSignal[] = []
  await trial.start(scheduler, async (_id, signal) => {
    signals.push(signal)
    await gate.opened
    return undefined
  })
  const id = await trial.schedule(scheduler)
  await trial.called(id)
  // Due at once, when the first is done.
  await trial.schedule(scheduler, { group: standInTag(id) })
  let isClosed = false
  const closing = scheduler.close().then(() => (isClosed = true))
  await pause(QUIET_MS)
  assert(!isClosed, 'It closed while work was running')
  gate.open()
  await closing
  assert(signals.every(signal => !signal.aborted))
  await pause(QUIET_MS)
  assert.deepEqual(
    trial.calls.map(call => call.id),
    [id],
  )
}

async function closeAborts(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open({ drainMs: 500 })
  let isOver = false
  await trial.start(scheduler, async (_id, signal) => {
    await aborted(signal)
    isOver = true
    return new Date()
  })
  const id = await trial.schedule(scheduler)
  await trial.called(id)
  await scheduler.close()
  assert(isOver, 'It closed while work was running')
  await pause(QUIET_MS)
  assert.equal(trial.calls.length, 1)
}
