import { join } from 'node:path'

import fc from 'fast-check'
import t, { type Test } from 'tap'

import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { serveSynapse } from '../../support/simulated-synapse/serve-synapse.ts'
import { SIZES } from '../../support/sizes.ts'
import { type Figures, type Place, runSchedule } from '../watching/run-schedule.ts'
import { schedules } from '../watching/schedules.ts'
import type { Schedule } from '../watching/steps.ts'

// The runner's own limit still holds; without a runner, a long run has none.
t.setTimeout(0)

function inMemory(conditional: boolean): Place {
  const store = memoryStore(conditional)
  return { openStore: () => store }
}

/** Tries schedules, each in a place of its own. */
async function tryOut(
  t: Test,
  numRuns: number,
  run: (schedule: Schedule) => Promise<Figures>,
): Promise<void> {
  const total = { erasures: 0, requests: 0, asked: 0, crashes: 0 }
  await fc.assert(
    fc.asyncProperty(schedules, async schedule => {
      const figures = await run(schedule)
      for (const name of Object.keys(total) as Array<keyof Figures>)
        total[name] += figures[name]
    }),
    { seed: SIZES.seed, numRuns },
  )
  t.comment(`${numRuns} schedules: ${JSON.stringify(total)}`)
  t.ok(total.requests >= numRuns, 'somebody was erased')
}

t.test('9. Nothing is missed', t =>
  tryOut(t, SIZES.schedules, schedule => runSchedule(schedule, inMemory(true))),
)

t.test('Nothing is missed on a real SQLite file either.', t => {
  const directory = t.testdir()
  let files = 0
  return tryOut(t, Math.ceil(SIZES.schedules / 20), schedule => {
    const path = join(directory, `${(files += 1)}.db`)
    return runSchedule(schedule, { openStore: () => sqliteStore({ path }) })
  })
})

t.test('Nor over real HTTP.', t =>
  tryOut(t, Math.ceil(SIZES.schedules / 20), async schedule => {
    return runSchedule(schedule, {
      ...inMemory(false),
      fetchFrom: homeserver => {
        const serving = serveSynapse(t, homeserver)
        return async (url, init) => {
          const answer = await fetch(
            new URL(url.pathname + url.search, await serving),
            init,
          )
          return whole(answer)
        }
      },
    })
  }),
)

/** The answer, when its body is there or has broken off: the world waits for answers, not for bodies. */
async function whole({ status, headers, body }: Response): Promise<Response> {
  const chunks: Uint8Array[] = []
  let broken: unknown
  try {
    for await (const chunk of body ?? []) chunks.push(chunk)
  } catch (error) {
    broken = error
  }
  const again = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      if (broken === undefined) controller.close()
    },
    pull(controller) {
      if (broken !== undefined) controller.error(broken)
    },
  })
  return new Response(again, { status, headers })
}
