// 9.A7: the clock is wrong by years for a while, at every stage of a request's life.
import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import type { Erasure } from '../../lib/core/erasure.ts'
import type { Clock } from '../../lib/host/clock.ts'
import type { PurgeResult } from '../../lib/purge/handler.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { type MemoryStore, memoryStore } from '../support/memory-store.ts'
import { volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const YEAR_MS = 365 * DAY_MS
const settleMs = 15 * MINUTE_MS

/** A machine whose timers are right, and whose clock is not. */
interface Machine {
  readonly store: MemoryStore
  readonly erasure: Erasure
  /** By how much the clock is ahead. */
  aheadMs: number
  /** Lets time pass. */
  pass(ms: number): Promise<void>
  /** What `purge` of `rows` does next; nothing said, it is done. */
  readonly next: Array<(now: number) => PurgeResult>
}

async function openMachine(): Promise<Machine> {
  const timers = fakeClock()
  const store = memoryStore()
  const next: Machine['next'] = []
  const clock: Clock = {
    now: () => timers.now() + machine.aheadMs,
    setTimer: timers.setTimer,
  }
  const machine = { aheadMs: 0 } as { -readonly [Key in keyof Machine]: Machine[Key] }
  const erasure = await createErasure(volatile({ clock, store, settleMs }))
  erasure.onUserErase('rows', {
    purge: async () => next.shift()?.(clock.now()) ?? {},
    verify: async () => 0,
    retry: { attempts: 2 },
  })
  const other = { purge: async () => {}, verify: async () => 0, after: ['rows'] }
  erasure.onUserErase('link', other)
  await erasure.start()
  const pass = (ms: number) => timers.advance(ms)
  return Object.assign(machine, { store, erasure, pass, next })
}

const fail = (): PurgeResult => {
  throw new Error('not now')
}

/** Stages in which a request is found: what `purge` did, and how long ago. */
const STAGES: ReadonlyArray<
  readonly [what: string, results: readonly ((now: number) => PurgeResult)[], ms: number]
> = [
  ['it is accepted', [], 0],
  ['a slice asks for a wait', [() => ({ more: 1, waitMs: DAY_MS })], 0],
  ['a handler waits after a failure', [fail], 0],
  ['a handler is blocked', [fail, fail], MINUTE_MS],
  ['it settles', [], 5 * MINUTE_MS],
  ['the first level is confirmed', [], 20 * MINUTE_MS],
  [
    'something is retained',
    [
      now => {
        const until = new Date(now + DAY_MS)
        return { retained: [{ what: 'bills', why: 'legal-obligation', count: 1, until }] }
      },
    ],
    20 * MINUTE_MS,
  ],
]

for (const [what, results, ms] of STAGES) {
  for (const aheadMs of [70 * YEAR_MS, -40 * YEAR_MS, 2 * DAY_MS, -2 * DAY_MS]) {
    const ahead = `${aheadMs / DAY_MS} days ahead`
    t.test(
      `9.A7: ${what} by a clock that is ${ahead}, which is set right then`,
      async t => {
        const machine = await openMachine()
        const { erasure, next, pass } = machine
        machine.aheadMs = aheadMs
        next.push(...results)
        await erasure.accept(bob)
        await pass(ms)
        machine.aheadMs = 0
        await pass(3 * DAY_MS)
        t.same((await erasure.status()).open, [])
        await erasure.close()
      },
    )

    t.test(`9.A7: ${what}, and then the clock is ${ahead} for a while`, async t => {
      const machine = await openMachine()
      const { erasure, next, pass } = machine
      next.push(...results)
      await erasure.accept(bob)
      await pass(ms)
      machine.aheadMs = aheadMs
      await pass(20 * MINUTE_MS)
      machine.aheadMs = 0
      await pass(3 * DAY_MS)
      t.same((await erasure.status()).open, [])
      await erasure.close()
    })
  }
}

t.test('9.A7: what was confirmed by a wrong clock is verified again', async t => {
  const timers = fakeClock()
  let aheadMs = 0
  const verified: number[] = []
  const clock = { now: () => timers.now() + aheadMs, setTimer: timers.setTimer }
  const start = timers.now()
  const erasure = await createErasure(volatile({ clock, settleMs }))
  erasure.onUserErase('rows', {
    purge: async () => {},
    verify: async () => {
      verified.push((timers.now() - start) / MINUTE_MS)
      return 0
    },
  })
  // Keeps the request open meanwhile.
  let isDone = false
  erasure.onUserErase('slow', async () => (isDone ? {} : { more: 1, waitMs: MINUTE_MS }))
  await erasure.start()
  await erasure.accept(bob)
  await timers.advance(0)
  t.same(verified, [0])
  aheadMs = 70 * YEAR_MS
  await timers.advance(6 * MINUTE_MS)
  t.equal(verified.length, 2, 'settleMs seem to be over')
  aheadMs = 0
  isDone = true
  verified.length = 0
  await timers.advance(DAY_MS)
  // How long records last by a wrong clock is another matter.
  t.same((await erasure.status()).open, [])
  t.ok((verified[0] ?? 0) >= 20, 'not before it has settled by the right clock')
  await erasure.close()
})

t.test('9.A7: a request that version 0.1 left settling until 2096 ends', async t => {
  const machine = await openMachine()
  const { erasure, store, pass } = machine
  await erasure.accept(bob)
  await pass(MINUTE_MS)
  const key = [...store.documents.keys()].find(name => name.includes(':request:')) ?? ''
  const document = JSON.parse(store.documents.get(key) ?? '')
  const at = Date.UTC(2096, 0, 1)
  const { workedAt: _workedAt, claims, ...request } = document.value
  const { confirmedAt: _confirmedAt, ...rows } = request.handlers.rows
  const handlers = {
    rows: { ...rows, confirmed: false, settledAt: at },
    link: { ...rows, confirmed: false, settledAt: at, notBefore: at },
  }
  const value = { ...request, turn: claims, handlers }
  store.documents.set(key, JSON.stringify({ ...document, value }))
  await pass(2 * DAY_MS)
  // How long records last by a wrong clock is another matter.
  t.same((await erasure.status()).open, [])
  await erasure.close()
})
