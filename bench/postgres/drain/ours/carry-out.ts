// Carries out what is open, from when it is told to.
import { once } from 'node:events'

import type { Scheduler } from '../../../../lib/schedule/scheduler.ts'
import { answerParent, argument } from '../../../support/parent.ts'
import { openOurs } from '../../support/ours.ts'
import { createReport } from '../report.ts'

const report = createReport()
const erasure = await openOurs(argument(0), { concurrency: Number(argument(1)), watch })
erasure.onUserErase('nothing', async () => {})
answerParent({})
await once(process, 'message')
await erasure.start()

/** A request is finished when the scheduler is told that there is nothing more to do. */
function watch(scheduler: Scheduler): Scheduler {
  return {
    schedule: (id, at, group) => scheduler.schedule(id, at, group),
    start: work =>
      scheduler.start(async (id, signal) => {
        const again = await work(id, signal)
        if (again === undefined) report(id)
        return again
      }),
    close: () => scheduler.close(),
  }
}
