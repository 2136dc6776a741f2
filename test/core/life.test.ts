import { join } from 'node:path'

import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import type { Scheduler } from '../../lib/schedule/scheduler.ts'
import { inProcessScheduler } from '../../lib/schedule/in-process.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'
import { memoryStore } from '../support/memory-store.ts'
import { REGISTRATION, volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'

t.test('9.23: a second close waits for what the first waits for', async t => {
  const clock = fakeClock()
  const erasure = await createErasure(volatile({ clock }))
  const ending = Promise.withResolvers<void>()
  let hasEnded = false
  erasure.onUserErase('messages', async () => {
    await ending.promise
    hasEnded = true
  })
  await erasure.start()
  await erasure.accept(bob)
  await breathe()
  const closes = [erasure.close(), erasure.close()].map(async closed => {
    await closed
    return hasEnded
  })
  await breathe()
  ending.resolve()
  t.same(await Promise.all(closes), [true, true])
  await erasure.close()
})

t.test(
  '9.23: closed while it starts, it ends: no timer is left, no handler called',
  async t => {
    for (let steps = 0; steps < 12; steps += 1) {
      const clock = fakeClock()
      const store = memoryStore(false, clock)
      let called = 0
      let closed = false
      const erasure = await createErasure(volatile({ clock, store }))
      erasure.onUserErase('messages', async () => {
        called += 1
        if (closed) t.fail('a handler was called after close')
      })
      for (const name of ['a', 'b', 'c']) await erasure.accept(`@${name}:example.org`)
      const starting = erasure.start()
      const rejected = t.rejects(starting, { code: 'CLOSED' })
      for (let step = 0; step < steps; step += 1) await Promise.resolve()
      await erasure.close()
      closed = true
      await rejected
      await breathe()
      t.equal(clock.armed, 0, `after ${steps} steps`)
      await clock.advance(24 * 3_600_000)
      t.ok(called <= 3)
      await t.rejects(erasure.start(), { code: 'CLOSED' })
    }
  },
)

t.test('9.23: a start that failed can be tried again', async t => {
  const clock = fakeClock()
  const store = memoryStore(false, clock)
  const inner = inProcessScheduler({ clock })
  let started = 0
  const scheduler: Scheduler = {
    schedule: (id, at, group) => inner.schedule(id, at, group),
    close: () => inner.close(),
    async start(work) {
      started += 1
      if (started === 1) throw new Error('the database is down')
      await inner.start(work)
    },
  }
  const erasure = await createErasure(volatile({ clock, store, scheduler, settleMs: 0 }))
  erasure.onUserErase('messages', async () => {})
  await erasure.accept(bob)
  await t.rejects(erasure.start(), { message: 'the database is down' })
  erasure.onUserErase('more', async () => {})
  store.failReads = true
  await t.rejects(erasure.start(), { code: 'STORE_UNREADABLE' })
  t.throws(() => erasure.onUserErase('late', async () => {}), { code: 'ALREADY_STARTED' })
  store.failReads = false
  await erasure.start()
  await t.rejects(erasure.start(), { code: 'ALREADY_STARTED' })
  t.equal(started, 2, 'a scheduler that has started is not started again')
  await clock.advanceUntil(async () => (await erasure.status()).counts.erased === 1)
  await erasure.close()
  t.equal(clock.armed, 0)
})

t.test('9.23: options that are refused leave the store closed and unlocked', async t => {
  const directory = t.testdir()
  const given = { registration: REGISTRATION, key: Buffer.alloc(32) }
  const path = join(directory, 'erasure.db')
  for (const wrong of [
    { setleMs: 1 },
    { settleMs: -1 },
    { key: 5 },
    { registration: {} },
  ]) {
    const options = { ...given, store: sqliteStore({ path }), ...wrong }
    await t.rejects(createErasure(options as never))
  }
  let closed = 0
  const scheduler = { ...inProcessScheduler(), close: async () => void (closed += 1) }
  const store = sqliteStore({ path })
  await t.rejects(createErasure({ ...given, store, scheduler, setleMs: 1 } as never))
  t.equal(closed, 1, 'and the scheduler')
  const erasure = await createErasure({ ...given, store: sqliteStore({ path }) })
  await erasure.close()
  await t.rejects(createErasure(undefined as never), TypeError)
  await t.rejects(createErasure({} as never), TypeError)
})

t.test(
  '9.22: an `allow` that never answers holds up neither its request nor close',
  async t => {
    const clock = fakeClock()
    const store = memoryStore(false, clock)
    const erasure = await createErasure(
      volatile({ clock, store, allow: () => new Promise(() => {}) }),
    )
    const late = erasure.accept(bob)
    const isLate = t.rejects(late, { code: 'ALLOW_FAILED', message: /10 seconds/ })
    await clock.advance(10_000)
    await isLate
    const cut = t.rejects(erasure.accept(bob), { code: 'CLOSED' })
    await breathe()
    await erasure.close()
    await cut
    t.equal(clock.armed, 0)
    t.notOk([...store.documents.keys()].some(key => key.includes('request')))
  },
)
