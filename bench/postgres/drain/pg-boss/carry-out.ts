// Does what is in a pg-boss queue, which is nothing, from when it is told to.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { answerParent, argument } from '../../../support/parent.ts'
import { openBoss, QUEUE } from '../../acknowledge/contenders/pg-boss.ts'
import { createReport } from '../report.ts'

/** How pg-boss is asked for work. */
export type Manner = 'work' | 'fetch'

/** Before an empty queue is asked again. */
const EMPTY_MS = 50

const concurrency = Number(argument(1))
const manner = argument(2) as Manner
const report = createReport()
const boss = await openBoss(argument(0))
answerParent({})
await once(process, 'message')
if (manner === 'work') await work()
else await Promise.all(Array.from({ length: concurrency }, fetch))

/** As many at a time as it is to do side by side, and the next at once: its fastest. */
async function work(): Promise<void> {
  const options = {
    batchSize: concurrency,
    burstWhenBatchFull: true,
    pollingIntervalSeconds: 0.5,
  }
  await boss.work(QUEUE, options, async jobs => {
    for (const { id } of jobs) report(id)
  })
}

/** One at a time; several of these side by side, as they would be with jobs that take long. */
async function fetch(): Promise<never> {
  while (true) {
    const [job] = await boss.fetch(QUEUE)
    if (job === undefined) {
      await sleep(EMPTY_MS)
      continue
    }
    await boss.complete(QUEUE, job.id)
    report(job.id)
  }
}
