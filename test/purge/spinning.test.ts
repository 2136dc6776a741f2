// 9.A8: a handler that goes round, or waits for ever, is seen.
import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import type { Erasure } from '../../lib/core/erasure.ts'
import type { PurgeContext, PurgeResult } from '../../lib/purge/handler.ts'
import { inProcessScheduler } from '../../lib/schedule/in-process.ts'
import type { Scheduler } from '../../lib/schedule/scheduler.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { type MemoryStore, memoryStore } from '../support/memory-store.ts'
import { volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const YEAR_MS = 365 * DAY_MS

const inProcess = (clock: FakeClock) => inProcessScheduler({ clock })

type Purge = (context: PurgeContext<number>) => Promise<PurgeResult<number>>

async function open(
  purge: Purge,
  other: { store?: MemoryStore; scheduler?: (clock: FakeClock) => Scheduler } = {},
): Promise<{ erasure: Erasure; clock: FakeClock; calls: () => number }> {
  const clock = fakeClock()
  let calls = 0
  const { store = memoryStore(), scheduler = inProcess } = other
  const options = { clock, store, settleMs: 0, sweepMs: DAY_MS }
  const erasure = await createErasure(
    volatile({ ...options, scheduler: scheduler(clock) }),
  )
  erasure.onUserErase<number>('rows', {
    purge: context => {
      calls += 1
      return purge(context)
    },
    verify: async () => 0,
    retry: { attempts: 3, baseMs: 1, capMs: 1 },
  })
  await erasure.start()
  await erasure.accept(bob)
  return { erasure, clock, calls: () => calls }
}

/** Lets the handler run until it is blocked. */
async function untilBlocked({ erasure, clock }: { erasure: Erasure; clock: FakeClock }) {
  await clock.advanceUntil(async () => (await erasure.status()).counts.blocked === 1)
  return (await erasure.status()).open[0]?.handlers['rows']
}

for (const [tail, length] of [
  [0, 1],
  [0, 2],
  [0, 3],
  [5, 7],
  [100, 64],
] as const) {
  t.test(
    `9.A8: cursors that go round after ${tail} slices, ${length} at a time, block the handler`,
    async t => {
      const opened = await open(async ({ cursor = 0 }) => ({
        more: cursor < tail + length - 1 ? cursor + 1 : tail,
      }))
      t.match(await untilBlocked(opened), { state: 'blocked', code: 'PURGE_STALLED' })
      t.ok(opened.calls() <= 4 * (tail + length) + 5, `${opened.calls()} calls`)
      await opened.erasure.close()
    },
  )
}

for (const [what, result] of [
  ['count up for ever', (cursor: number) => ({ more: cursor + 1 })],
  [
    'go round with a wait of a millisecond',
    (cursor: number) => ({ more: 1 - cursor, waitMs: 1 }),
  ],
] as const) {
  t.test(
    `9.A8: cursors that ${what} and remove nothing block the handler after 10,000 slices`,
    async t => {
      let isReady = false
      const store = memoryStore()
      const opened = await open(
        async ({ cursor = 0 }) =>
          isReady ? result(cursor) : { more: 0, waitMs: MINUTE_MS },
        { store },
      )
      await opened.clock.advance(1)
      // Most of them are in the past.
      const key = [...store.documents.keys()].find(name => name.includes(':request:'))
      const document = JSON.parse(store.documents.get(key ?? '') ?? '')
      document.value.handlers.rows.idle = { slices: 9990 }
      store.documents.set(key ?? '', JSON.stringify(document))
      isReady = true
      t.match(await untilBlocked(opened), { state: 'blocked', code: 'PURGE_STALLED' })
      t.equal(opened.calls(), 1 + 10 + 3)
      await opened.erasure.close()
    },
  )
}

t.test(
  '9.A8: after a retry a handler that stalled gets all its slices again',
  async t => {
    let isRepaired = false
    const opened = await open(async ({ cursor = 0 }) =>
      isRepaired && cursor > 12 ? {} : { more: isRepaired ? cursor + 1 : 1 - cursor },
    )
    await untilBlocked(opened)
    isRepaired = true
    const [request] = (await opened.erasure.status()).open
    await opened.erasure.retry(request?.requestId ?? '')
    await opened.clock.advance(MINUTE_MS)
    t.match((await opened.erasure.status()).counts, { erased: 1 })
    await opened.erasure.close()
  },
)

t.test('9.A8: a long search that removes nothing is no circle', async () => {
  const { erasure, clock } = await open(async ({ cursor = 0 }) =>
    cursor < 1000 ? { more: cursor + 1 } : {},
  )
  await clock.advanceUntil(async () => (await erasure.status()).counts.erased === 1)
  await erasure.close()
})

t.test(
  '9.A8: cursors may come again where something was removed, or a wait is asked for',
  async t => {
    let rounds = 0
    const { erasure, clock } = await open(async ({ cursor = 0 }) => {
      rounds += 1
      if (rounds > 200) return {}
      if (rounds > 100) return { more: 1 - cursor, waitMs: cursor === 0 ? MINUTE_MS : 0 }
      return { more: 1 - cursor, removed: rounds % 2 }
    })
    await clock.advance(DAY_MS)
    t.match((await erasure.status()).counts, { erased: 1 })
    await erasure.close()
  },
)

t.test('9.A8: a handler that is repaired goes on at the daily try', async t => {
  let isRepaired = false
  let slices = 0
  const opened = await open(async ({ cursor = 0 }) => {
    // It goes over one of them again, and then it is done.
    if (isRepaired) slices += 1
    return slices > 1 ? {} : { more: 1 - cursor }
  })
  await untilBlocked(opened)
  isRepaired = true
  await opened.clock.advance(DAY_MS + MINUTE_MS)
  t.match((await opened.erasure.status()).counts, { erased: 1 })
  await opened.erasure.close()
})

t.test('9.A8: status shows since when nothing was removed', async t => {
  let slices = 0
  const { erasure, clock } = await open(async () => {
    slices += 1
    return { more: slices, removed: slices === 2 ? 1 : 0, waitMs: 10 * MINUTE_MS }
  })
  const start = clock.now()
  const seen = async () => (await erasure.status()).open[0]?.handlers['rows']?.progressAt
  await clock.advance(MINUTE_MS)
  t.equal((await seen())?.getTime(), start, 'never: since it began')
  await clock.advance(9 * MINUTE_MS)
  t.equal((await seen())?.getTime(), start + 10 * MINUTE_MS)
  await clock.advance(DAY_MS)
  t.equal((await seen())?.getTime(), start + 10 * MINUTE_MS)
  await erasure.close()
})

t.test('9.A8: a handler that waits until after the term is overdue', async t => {
  const { erasure, clock } = await open(async () => ({ more: 1, waitMs: 3 * YEAR_MS }))
  await clock.advance(MINUTE_MS)
  t.match((await erasure.status()).open, [{ state: 'purging', overdue: true }])
  await erasure.close()

  const other = await open(async () => ({ more: 1, waitMs: 3 * DAY_MS }))
  await other.clock.advance(MINUTE_MS)
  t.match((await other.erasure.status()).open, [{ state: 'purging', overdue: false }])
  await other.erasure.close()
})

const END_OF_TIME_MS = 8_640_000_000_000_000

for (const [what, result] of [
  ['waits', (now: number) => ({ more: 1, waitMs: END_OF_TIME_MS - now })],
  [
    'retains',
    () => ({
      retained: [
        {
          what: 'rows',
          why: 'archiving' as const,
          count: 1,
          until: new Date(END_OF_TIME_MS),
        },
      ],
    }),
  ],
] as const) {
  t.test(
    `9.A11: of a handler that ${what} until the end of time the scheduler is told a year at most`,
    async t => {
      const told: number[] = []
      const { erasure, clock } = await open(async () => result(start), {
        scheduler: given => {
          const inner = inProcess(given)
          return {
            schedule: async (id, at, group) => {
              told.push(at.getTime())
              return inner.schedule(id, at, group)
            },
            start: work =>
              inner.start(async (...of) => {
                const again = await work(...of)
                if (again !== undefined) told.push(again.getTime())
                return again
              }),
            close: () => inner.close(),
          }
        },
      })
      const start = clock.now()
      await clock.advance(2 * DAY_MS)
      t.match((await erasure.status()).counts, { erased: 0, blocked: 0 })
      t.ok(told.length > 3, 'it was scheduled, and by the sweep again')
      t.ok(Math.max(...told) <= clock.now() + YEAR_MS)
      await erasure.close()
    },
  )
}
