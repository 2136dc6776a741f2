import assert from 'node:assert/strict'

import {
  aborted,
  GroupWork,
  type SchedulerCase,
  type SchedulerTrial,
} from './scheduler-trial.ts'
import { randomRequestId, standInTag } from '../stand-ins.ts'

/** What schedulers do that share an engine. */
export const severalCases: readonly SchedulerCase[] = [
  ['what one scheduler was given, another calls', anotherCalls],
  [
    'one group is never worked on twice at a time by two schedulers, and nobody is forgotten',
    oneAtATimeByBoth,
  ],
  ['a request is called by one of two schedulers', calledByOne],
  ['work of a scheduler that closes goes on in another', goesOnInAnother],
]

async function anotherCalls(trial: SchedulerTrial): Promise<void> {
  const two = await trial.openTwo()
  if (two === undefined) return
  const [first, second] = two
  await trial.start(second)
  await trial.called(await trial.schedule(first))
  await trial.called(await trial.schedule(first, { inMs: 1000 }))
}

async function oneAtATimeByBoth(trial: SchedulerTrial): Promise<void> {
  const both = await trial.openTwo()
  if (both === undefined) return
  const inGroups = new GroupWork(20)
  for (const scheduler of both) await trial.start(scheduler, inGroups.work)
  const scheduled = Array.from({ length: 60 }, async (_, index) => {
    const id = randomRequestId()
    const group = standInTag(`group ${index % 4}`)
    inGroups.groups.set(id, group)
    const scheduler = both[index % 2]
    assert(scheduler !== undefined)
    await trial.schedule(scheduler, { id, group })
    await trial.called(id)
  })
  await Promise.all(scheduled)
  assert.equal(inGroups.clashes, 0)
}

async function calledByOne(trial: SchedulerTrial): Promise<void> {
  const two = await trial.openTwo()
  if (two === undefined) return
  const [first, second] = two
  const ids = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const id = randomRequestId()
      // By both, as both find it in the store.
      const at = new Date()
      await Promise.all([
        first.schedule(id, at, standInTag(id)),
        second.schedule(id, at, standInTag(id)),
      ])
      return id
    }),
  )
  await trial.start(first)
  await trial.start(second)
  await Promise.all(ids.map(id => trial.called(id)))
  await trial.quiet(first)
  assert.equal(trial.calls.length, ids.length + 1)
}

async function goesOnInAnother(trial: SchedulerTrial): Promise<void> {
  const two = await trial.openTwo({ drainMs: 200 })
  if (two === undefined) return
  const [first, second] = two
  await trial.start(first, async (_id, signal) => {
    await aborted(signal)
    return new Date()
  })
  const id = await trial.schedule(first)
  await trial.called(id)
  const resumed: string[] = []
  await trial.start(second, async called => {
    resumed.push(called)
    return undefined
  })
  const waiting = await trial.schedule(first, {
    group: standInTag('another group'),
    inMs: 500,
  })
  await first.close()
  await trial.until('the other one went on', () => resumed.includes(id))
  await trial.called(waiting)
}
