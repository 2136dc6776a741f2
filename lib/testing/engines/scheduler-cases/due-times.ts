import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import { Gate, type SchedulerCase, type SchedulerTrial } from './scheduler-trial.ts'

const HOUR_MS = 60 * 60 * 1000

/** When work is called, and when it is called again. */
export const dueTimeCases: readonly SchedulerCase[] = [
  ['work is called when it is due, not before, and once', callsWhenDue],
  ['what was scheduled before the start is called after it', keepsWhatWasScheduledBefore],
  ['scheduled twice, the earlier time wins', earlierTimeWins],
  ['a date that work returns is when it is called again', callsAgain],
  ['scheduled again while it is worked on, it is called again', callsAgainAfterTheRun],
  [
    'scheduled while it is worked on, an earlier time than work returns wins',
    earlierTimeThanReturnedWins,
  ],
]

async function callsWhenDue(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open()
  await trial.start(scheduler)
  const dueAt = Date.now() + 1500
  const later = await trial.schedule(scheduler, { inMs: 1500 })
  const now = await trial.schedule(scheduler)
  await trial.called(now)
  await trial.called(later)
  await trial.quiet(scheduler)
  const [calledAt = 0, ...more] = trial.callsOf(later)
  assert(calledAt >= dueAt, `It was called ${dueAt - calledAt} ms before it was due`)
  assert.deepEqual(more, [])
  assert.equal(trial.callsOf(now).length, 1)
}

async function keepsWhatWasScheduledBefore(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open()
  const id = await trial.schedule(scheduler)
  const later = await trial.schedule(scheduler, { inMs: 1000 })
  await pause(100)
  assert.deepEqual(trial.calls, [])
  await trial.start(scheduler)
  await trial.called(id)
  await trial.called(later)
}

async function earlierTimeWins(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open()
  await trial.start(scheduler)
  const id = await trial.schedule(scheduler, { inMs: HOUR_MS })
  const dueAt = Date.now() + 1000
  await trial.schedule(scheduler, { id, inMs: 1000 })
  await trial.schedule(scheduler, { id, inMs: HOUR_MS })
  await trial.called(id)
  await trial.quiet(scheduler)
  const [calledAt = 0, ...more] = trial.callsOf(id)
  assert(calledAt >= dueAt, 'It was called before the earlier time')
  assert.deepEqual(more, [])
}

async function callsAgain(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open()
  const returned: number[] = []
  await trial.start(scheduler, async () => {
    if (returned.length === 2) return undefined
    const again = new Date(Date.now() + 700)
    returned.push(again.getTime())
    return again
  })
  const id = await trial.schedule(scheduler)
  await trial.called(id, 3)
  const calls = trial.callsOf(id)
  for (const [index, at] of returned.entries()) {
    assert((calls[index + 1] ?? 0) >= at, 'It was called again before the returned date')
  }
  // `quiet` has another id called, for which work returns nothing any more.
  await trial.quiet(scheduler)
  assert.equal(trial.callsOf(id).length, 3)
}

async function callsAgainAfterTheRun(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open()
  const gate = new Gate()
  await trial.start(scheduler, async () => {
    await gate.opened
    return undefined
  })
  const id = await trial.schedule(scheduler)
  await trial.called(id)
  await trial.schedule(scheduler, { id })
  await pause(100)
  assert.equal(trial.callsOf(id).length, 1)
  gate.open()
  await trial.called(id, 2)
}

async function earlierTimeThanReturnedWins(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open()
  const gate = new Gate()
  await trial.start(scheduler, async id => {
    await gate.opened
    return trial.callsOf(id).length > 1 ? undefined : new Date(Date.now() + HOUR_MS)
  })
  const id = await trial.schedule(scheduler)
  await trial.called(id)
  await trial.schedule(scheduler, { id, inMs: 500 })
  gate.open()
  await trial.called(id, 2)
}
