// Short sequences in which something once stalled, each found by the model and made small.
import t from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { runSchedule } from '../model/run-schedule.ts'
import type { Schedule, Step } from '../model/steps.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'

const HOUR_MS = 60 * 60 * 1000

const bridge = { settleMs: 15 * 60_000, attempts: 1, concurrency: 4 }
const sequence = (title: string, steps: readonly Step[], other: Partial<Schedule> = {}) =>
  t.test(title, async () => {
    await runSchedule({ ...bridge, steps, ...other })
  })

/** The same, at every one of the next points. */
const everywhere = (title: string, steps: readonly Step[]) =>
  void t.test(title, async () => {
    for (let point = 1; point <= 20; point += 1) {
      const moved = steps.map(step => (step.do === 'at' ? { ...step, point } : step))
      await runSchedule({ ...bridge, steps: moved })
    }
  })

void sequence('A request is deleted once its record is written, and not before.', [
  { do: 'accept', user: 0 },
  { do: 'advance', ms: HOUR_MS },
])

void sequence('A handler that is new while others retain is called at once.', [
  { do: 'restart', without: ['rooms'] },
  { do: 'next', handler: 'messages', purge: [{ retainMs: 50 * HOUR_MS }] },
  { do: 'accept', user: 0 },
  { do: 'advance', ms: HOUR_MS },
  { do: 'restart' },
])

void sequence('All are found empty again after a new handler has settled.', [
  { do: 'restart', without: ['rooms'] },
  { do: 'next', handler: 'map', verify: ['honest', 'fail'] },
  { do: 'accept', user: 0 },
  { do: 'advance', ms: HOUR_MS },
  { do: 'restart' },
])

void sequence('A handler that came back is seen although the scheduler forgot.', [
  { do: 'next', handler: 'messages', purge: ['fail'] },
  { do: 'accept', user: 0 },
  { do: 'restart', without: ['rooms'] },
  { do: 'advance', ms: 25 * HOUR_MS },
  { do: 'no memory', forMs: 0 },
  { do: 'restart' },
  { do: 'advance', ms: HOUR_MS },
])

everywhere('A retention ends although a handler is missing and the scheduler forgot.', [
  { do: 'next', handler: 'messages', purge: [{ retainMs: HOUR_MS }] },
  { do: 'accept', user: 0 },
  { do: 'advance', ms: HOUR_MS / 2 },
  { do: 'at', point: 1, then: { do: 'no memory', forMs: 0 } },
  { do: 'restart', without: ['media'] },
  { do: 'advance', ms: 3 * HOUR_MS },
])

everywhere('Lifted while the tombstone is renewed, a user stays lifted.', [
  { do: 'always', handler: 'media', purge: 'fail' },
  { do: 'accept', user: 0 },
  { do: 'advance', ms: 24 * HOUR_MS - 1 },
  { do: 'at', point: 1, then: { do: 'lift', user: 0 } },
  { do: 'advance', ms: 1 },
])

void sequence(
  'A retry of a request that is just being finished leaves nothing for ever.',
  [
    { do: 'at', point: 6, then: { do: 'retry', request: 0 } },
    { do: 'accept', user: 0 },
  ],
  { settleMs: 0 },
)

void sequence(
  'Failures before something was found left are not failures in a row.',
  [
    { do: 'next', handler: 'messages', purge: ['half'], verify: ['fail'] },
    { do: 'accept', user: 0 },
    { do: 'advance', ms: HOUR_MS },
  ],
  { attempts: 3 },
)

void sequence('A handler that went round and was repaired goes on a day later.', [
  {
    do: 'next',
    handler: 'messages',
    purge: [{ slices: 120 }, { slices: 5 }, { slices: 4 }, { slices: 5 }],
  },
  { do: 'always', handler: 'messages', purge: 'same cursor' },
  { do: 'accept', user: 0 },
  { do: 'advance', ms: HOUR_MS },
])

for (const [title, nonsense] of [
  ['A wait that ends after all dates is not a result.', 10],
  ['Items retained until yesterday are not a result.', 13],
] as const) {
  void sequence(title, [
    { do: 'next', handler: 'messages', purge: [{ nonsense }] },
    { do: 'accept', user: 0 },
  ])
}

void t.test('A handler may be named like what every object has.', async t => {
  const clock = fakeClock()
  const erasure = await createErasure({
    registration: REGISTRATION,
    key: Buffer.alloc(32),
    store: memoryStore(),
    allowVolatileStore: true,
    clock,
  })
  const attempts: number[] = []
  erasure.onUserErase('constructor', {
    async purge({ attempt }) {
      attempts.push(attempt)
      throw new Error('not today')
    },
    retry: { attempts: 2 },
  })
  await erasure.start()
  await erasure.accept('@bob:example.org')
  await clock.advance(60_000)
  t.same(attempts, [1, 2])
  t.match((await erasure.status()).counts, { blocked: 1 })
  await erasure.close()
})
