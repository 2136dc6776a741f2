import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import type { ErasureEvent } from '../../lib/request/erasure-event.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'
import { memoryStore } from '../support/memory-store.ts'
import { openErasure, volatile } from '../support/open-erasure.ts'

const user = (index: number) => `@user${index}:example.org`

t.test('9.A15: a reader that keeps a snapshot holds up no erasure', async t => {
  const directory = t.testdir()
  const path = join(directory, 'erasure.db')
  const clock = fakeClock()
  const events: ErasureEvent[] = []
  const options = { store: sqliteStore({ path, clock }), clock, settleMs: 0 }
  const onEvent = (event: ErasureEvent) => void events.push(event)
  const erasure = await openErasure(t, { ...options, onEvent }, directory)
  erasure.onUserErase('messages', async () => {})
  await erasure.start()
  await erasure.accept(user(0))
  const reader = new DatabaseSync(path, { readOnly: true })
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM document').get()
  for (let index = 1; index < 50; index += 1) await erasure.accept(user(index))
  const started = clock.now()
  // Time goes only where there is nothing else to do; forgetting takes its time alone.
  while ((await erasure.status()).counts.erased < 50) await breathe()
  t.equal(clock.now(), started, 'all are erased in no time')
  await clock.advance(31_000)
  t.equal(events.filter(({ kind }) => kind === 'forgetting delayed').length, 1)
  t.ok(readFileSync(`${path}-wal`).length > 0)
  reader.close()
  await clock.advance(5000)
  t.equal(readFileSync(`${path}-wal`).length, 0, 'and then it is forgotten')
})

t.test('close waits for what is to be forgotten, as long as for handlers', async t => {
  const clock = fakeClock()
  const store = memoryStore(true, clock)
  const forgotten = Promise.withResolvers<void>()
  let calls = 0
  store.forget = async signal => {
    calls += 1
    await new Promise<void>(resolve => {
      signal?.addEventListener('abort', () => resolve())
      void forgotten.promise.then(resolve)
    })
  }
  const erasure = await createErasure(
    volatile({ clock, store, settleMs: 0, drainMs: 100 }),
  )
  erasure.onUserErase('messages', async () => {})
  await erasure.start()
  await erasure.accept(user(1))
  await clock.advanceUntil(() => calls === 1)
  t.ok(await erasure.lift(user(1)), 'lifting does not wait')
  let closed = false
  const closing = erasure.close().then(() => (closed = true))
  await clock.advance(99)
  t.notOk(closed)
  await clock.advance(1)
  await closing
  t.ok(calls >= 1)
  t.equal(clock.armed, 0)
})

t.test(
  '9.A9: what is lifted is forgotten, and a store that fails to is told',
  async t => {
    const clock = fakeClock()
    const store = memoryStore(true, clock)
    const kinds: string[] = []
    let calls = 0
    store.forget = async () => {
      calls += 1
      throw new Error('the disk is on fire')
    }
    const onEvent = ({ kind }: ErasureEvent) => void kinds.push(kind)
    const erasure = await createErasure(volatile({ clock, store, onEvent }))
    await erasure.accept(user(1))
    t.notOk(await erasure.lift(user(2)))
    await breathe()
    t.equal(calls, 0)
    t.ok(await erasure.lift(user(1)))
    await breathe()
    t.equal(calls, 1)
    t.same(kinds, ['accepted', 'forgetting delayed'])
    await erasure.close()
  },
)
