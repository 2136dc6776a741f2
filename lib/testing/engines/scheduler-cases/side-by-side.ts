import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import {
  Gate,
  GroupWork,
  type SchedulerCase,
  type SchedulerTrial,
} from './scheduler-trial.ts'
import { randomRequestId, standInTag } from '../stand-ins.ts'

/** What is worked on at the same time, and what is not. */
export const sideBySideCases: readonly SchedulerCase[] = [
  [
    'one group is never worked on twice at a time, and nobody is forgotten',
    oneAtATimePerGroup,
  ],
  ['a group that hangs holds up no other', hungGroupHoldsUpNoOther],
  ['a request that is always due again holds up no other', dueAgainHoldsUpNoOther],
  ['no more than `concurrency` requests are worked on side by side', keepsToConcurrency],
]

async function oneAtATimePerGroup(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open()
  const inGroups = new GroupWork(50)
  await trial.start(scheduler, inGroups.work)
  const scheduled = ['a', 'a', 'a', 'b', 'b', 'c'].map(async name => {
    const group = standInTag(name)
    const id = randomRequestId()
    inGroups.groups.set(id, group)
    await trial.schedule(scheduler, { id, group })
    await trial.called(id)
  })
  await Promise.all(scheduled)
  assert.equal(inGroups.clashes, 0)
}

async function hungGroupHoldsUpNoOther(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open({ concurrency: 2 })
  const gate = new Gate()
  const hung = Array.from({ length: 20 }, () => randomRequestId())
  await trial.start(scheduler, async id => {
    if (hung.includes(id)) await gate.opened
    return undefined
  })
  // All of them are due before the others.
  for (const id of hung)
    await trial.schedule(scheduler, { id, group: standInTag('hung') })
  for (let other = 0; other < 5; other += 1)
    await trial.called(await trial.schedule(scheduler))
  const begun = () => hung.filter(id => trial.callsOf(id).length > 0).length
  assert(begun() <= 1, 'The group was worked on twice at a time')
  gate.open()
  await trial.until('the group was worked on', () => begun() === hung.length)
}

async function dueAgainHoldsUpNoOther(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open({ concurrency: 1 })
  const greedy = randomRequestId()
  let isEnough = false
  await trial.start(scheduler, async id =>
    id === greedy && !isEnough ? new Date() : undefined,
  )
  await trial.schedule(scheduler, { id: greedy })
  await trial.called(greedy, 3)
  for (let other = 0; other < 3; other += 1)
    await trial.called(await trial.schedule(scheduler))
  isEnough = true
}

async function keepsToConcurrency(trial: SchedulerTrial): Promise<void> {
  const scheduler = await trial.open({ concurrency: 2 })
  let running = 0
  let most = 0
  await trial.start(scheduler, async () => {
    running += 1
    most = Math.max(most, running)
    await pause(50)
    running -= 1
    return undefined
  })
  const ids = await Promise.all(
    Array.from({ length: 7 }, () => trial.schedule(scheduler)),
  )
  await Promise.all(ids.map(id => trial.called(id)))
  assert.equal(most, 2)
}
