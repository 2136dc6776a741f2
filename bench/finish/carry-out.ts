// Accepts requests and carries them out, batch by batch, and watches its memory meanwhile.
import { inProcessScheduler, type Scheduler } from '../../lib/index.ts'
import { openErasure } from '../support/erasure.ts'
import { toMebibytes } from '../support/figure.ts'
import { answerParent, argument } from '../support/parent.ts'
import { tell } from '../support/progress.ts'

/** What the process looked like after so many requests. */
export interface Sample {
  readonly finished: number
  readonly afterMs: number
  readonly rssBytes: number
  readonly heapBytes: number
}

/** Enough that hardly any time goes into waiting for the last of a batch. */
const BATCH = 5000
/** Many more than a bridge would have, so that a million take minutes and not hours. */
const CONCURRENCY = 256
const SAMPLES = 20

const folder = argument(0)
const count = Number(argument(1))

/** Requests that have been scheduled and are not finished. */
const open = new Set<string>()
let allFinished = () => {}
const erasure = await openErasure(folder, {
  scheduler: watch(inProcessScheduler({ concurrency: CONCURRENCY })),
  settleMs: 0,
})
erasure.onUserErase('nothing', async () => {})
await erasure.start()

const startedAt = performance.now()
const samples: Sample[] = []
for (let part = 1; part <= SAMPLES; part += 1) {
  const finished = Math.round((count * part) / SAMPLES)
  await carryOut(Math.round((count * (part - 1)) / SAMPLES), finished)
  const sample = look(finished)
  samples.push(sample)
  const rssMebibytes = Math.round(toMebibytes(sample.rssBytes))
  tell(`finish: ${finished} of ${count}, RSS ${rssMebibytes} MiB`)
}
const { counts } = await erasure.status()
if (counts.erased !== count)
  throw new Error(`Only ${counts.erased} requests are finished`)
await erasure.close()
answerParent({ samples })

/** Accepts requests, a batch at a time, and waits until each of them is finished. */
async function carryOut(from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += BATCH) {
    const users = namesOf(first, Math.min(BATCH, to - first))
    await Promise.all(users.map(user => erasure.accept(user)))
    if (open.size > 0) await new Promise<void>(resolve => (allFinished = resolve))
  }
}

function namesOf(first: number, size: number): string[] {
  return Array.from({ length: size }, (_, index) => `@u${first + index}:example.org`)
}

/** A request is finished when the scheduler is told that there is nothing more to do. */
function watch(scheduler: Scheduler): Scheduler {
  return {
    schedule(id, at, group) {
      open.add(id)
      return scheduler.schedule(id, at, group)
    },
    start: work =>
      scheduler.start(async (id, signal) => {
        const again = await work(id, signal)
        if (again === undefined) open.delete(id)
        if (open.size === 0) allFinished()
        return again
      }),
    close: () => scheduler.close(),
  }
}

function look(finished: number): Sample {
  global.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const afterMs = performance.now() - startedAt
  return { finished, afterMs, rssBytes: rss, heapBytes: heapUsed }
}
